// SPDX-License-Identifier: BSD-2-Clause
// xdpctl within the test's process.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "ctl/command_line.h"

namespace xdpfwd {

struct Ran {
  int status = 0;
  std::string out, err;
};

inline Ran run_xdpctl(const std::vector<std::string>& arguments, Session session = {}) {
  char *out = nullptr, *err = nullptr;
  size_t out_size = 0, err_size = 0;
  session.out = ::open_memstream(&out, &out_size);
  session.err = ::open_memstream(&err, &err_size);
  Ran ran;
  {
    CommandLine line;
    ran.status = line.run(arguments, session);
  }
  std::fclose(session.out);
  std::fclose(session.err);
  ran.out.assign(out, out_size);
  ran.err.assign(err, err_size);
  std::free(out);
  std::free(err);
  return ran;
}

}  // namespace xdpfwd
