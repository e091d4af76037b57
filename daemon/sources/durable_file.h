// SPDX-License-Identifier: BSD-2-Clause
// Files of the state directory that survive a crash at any moment: replaced as a whole, or appended to. What
// is in them is left to their owners.
#pragma once

#include <string>
#include <string_view>

#include "base/result.h"

namespace xdpfwd {

// Makes the directory when it is missing. After a crash the file is the old one or the new one, never a part.
// On failure the old file stays as it was.
[[nodiscard]] Result<void> replace_durably(const std::string& directory, const std::string& path,
                                           std::string_view text);
// The file must be there. After a crash its last line may be a part.
[[nodiscard]] Result<void> append_durably(const std::string& directory, const std::string& path,
                                          std::string_view text);
// No file is no error.
[[nodiscard]] Result<void> remove_durably(const std::string& directory, const std::string& path);

// What a rename or a removal changed is on disk only when its directory is.
[[nodiscard]] Result<void> sync_directory(const std::string& directory);

// What to do when `directory` cannot be written to for this reason; may be empty.
std::string state_remedy(int code, const std::string& directory);

}  // namespace xdpfwd
