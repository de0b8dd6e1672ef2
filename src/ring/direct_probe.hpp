#pragma once
// Whether this kernel's direct descriptors are of use. There have been some since Linux 5.19, and
// since 6.8 they can be made descriptors of the process; but before 6.13 a file that was closed
// stayed open until each operation that was older had ended, whatever its file. With receives that
// wait for hours peers would never see the end of their connections.

#include "ring/uring_queue.hpp"

namespace ringcast::ring {

/// Tries it: closes one file of a table while an operation waits on another. `queue` is open, empty
/// and has no table yet; afterwards it is good for nothing else.
[[nodiscard]] bool has_direct_descriptors(UringQueue& queue);

}  // namespace ringcast::ring
