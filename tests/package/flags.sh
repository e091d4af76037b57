# SPDX-License-Identifier: BSD-2-Clause
# Sourced. How the packages of the tests are compiled: as those that are published, but -O1, warnings are errors, and
# nothing of the folder that they are built in. The tree of the tests is compiled the same way, so ccache has made the
# packages' objects when their turn comes, and the tests see the flags that hosts will run.
export DEB_BUILD_OPTIONS="nocheck reproducible=-all parallel=${JOBS:-$(nproc)}"
export DEB_CXXFLAGS_APPEND="-O1 -Werror"
export CMAKE_CXX_COMPILER_LAUNCHER=ccache
CCACHE_DIR=${CCACHE_DIR:-$(realpath -m "${BUILD:-build}")/ccache}
CCACHE_BASEDIR=${CCACHE_BASEDIR:-$PWD}
export CCACHE_DIR CCACHE_BASEDIR
# A -MD file tells what was included: nothing is preprocessed for the cache's sake alone.
# debhelper has a locale of its own, which compilers speak in.
export CCACHE_DEPEND=1 CCACHE_NOHASHDIR=1 CCACHE_SLOPPINESS=${CCACHE_SLOPPINESS:+$CCACHE_SLOPPINESS,}locale

# As debian/rules and debhelper say them.
package_cxxflags() {
  DEB_BUILD_MAINT_OPTIONS=hardening=+all DEB_CXXFLAGS_MAINT_STRIP=-g dpkg-buildflags --get CXXFLAGS
  dpkg-buildflags --get CPPFLAGS
}
