# SPDX-License-Identifier: BSD-2-Clause
# xdpfwd_bpf_object(NAME SOURCE [DEFINITIONS ...]): compiles SOURCE for the BPF target and makes a skeleton.
# Link the resulting INTERFACE target NAME_skel and include "NAME.skel.h".

find_program(XDPFWD_CLANG NAMES clang-19 clang REQUIRED)
find_program(XDPFWD_LLVM_STRIP NAMES llvm-strip-19 llvm-strip REQUIRED)
find_program(XDPFWD_BPFTOOL NAMES bpftool PATHS /usr/sbin REQUIRED)

# <asm/types.h> lives in the multiarch folder, which clang does not search for the bpf target.
set(XDPFWD_BPF_FLAGS -g -O2 -target bpf -mcpu=v3 -Wall -Wextra -Werror -Wno-missing-declarations
    -I${CMAKE_SOURCE_DIR} -isystem /usr/include/${CMAKE_LIBRARY_ARCHITECTURE})

function(xdpfwd_bpf_object name source)
  cmake_parse_arguments(ARG "" "" "DEFINITIONS" ${ARGN})
  set(object ${CMAKE_CURRENT_BINARY_DIR}/${name}.bpf.o)
  set(skeleton ${CMAKE_CURRENT_BINARY_DIR}/skel/${name}.skel.h)
  set(definitions)
  foreach(definition IN LISTS ARG_DEFINITIONS)
    list(APPEND definitions -D${definition})
  endforeach()
  file(MAKE_DIRECTORY ${CMAKE_CURRENT_BINARY_DIR}/skel)
  add_custom_command(
    OUTPUT ${object}
    COMMAND ${XDPFWD_CLANG} ${XDPFWD_BPF_FLAGS} ${definitions} -MD -MF ${object}.d -MT ${object}
            -c ${CMAKE_CURRENT_SOURCE_DIR}/${source} -o ${object}
    COMMAND ${XDPFWD_LLVM_STRIP} -g ${object}
    DEPENDS ${CMAKE_CURRENT_SOURCE_DIR}/${source}
    DEPFILE ${object}.d
    COMMENT "BPF ${name}"
    VERBATIM)
  add_custom_command(
    OUTPUT ${skeleton}
    COMMAND ${XDPFWD_BPFTOOL} gen skeleton ${object} name ${name}_bpf > ${skeleton}
    DEPENDS ${object}
    COMMENT "Skeleton ${name}")
  add_custom_target(${name}_skel_file DEPENDS ${skeleton})
  add_library(${name}_skel INTERFACE)
  add_dependencies(${name}_skel ${name}_skel_file)
  # SYSTEM: generated code, not held to our warnings.
  target_include_directories(${name}_skel SYSTEM INTERFACE ${CMAKE_CURRENT_BINARY_DIR}/skel)
  target_link_libraries(${name}_skel INTERFACE PkgConfig::LIBBPF)
endfunction()
