// SPDX-License-Identifier: BSD-2-Clause
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include "ctl/command_line.h"

namespace {

bool wants_colour() {
  // https://no-color.org
  const char* no_colour = std::getenv("NO_COLOR");
  const char* terminal = std::getenv("TERM");
  return ::isatty(STDOUT_FILENO) && (!no_colour || !*no_colour) && terminal &&
         std::strcmp(terminal, "dumb") != 0;
}

}  // namespace

int main(int argc, char** argv) {
  xdpfwd::Session session;
  session.terminal = ::isatty(STDOUT_FILENO) == 1;
  session.colour = wants_colour();
  xdpfwd::CommandLine line;
  const int status = line.run({argv + 1, argv + argc}, session);
  // An answer that was not written, on a full disk, is none.
  if (std::fflush(stdout) == 0 && !std::ferror(stdout)) return status;
  return xdpfwd::complain(session,
                          {std::string("cannot write the answer: ") + std::strerror(errno), {}, errno},
                          status == xdpfwd::kExitGood ? static_cast<int>(xdpfwd::kExitRefused) : status);
}
