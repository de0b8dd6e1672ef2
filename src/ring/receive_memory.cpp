#include "ring/receive_memory.hpp"

#include <cerrno>
#include <sys/mman.h>

#include "ring/error.hpp"

namespace ringcast::ring {

std::expected<ReceiveMemory, std::string> ReceiveMemory::map(std::uint32_t count,
                                                             std::uint32_t bytes) {
    ReceiveMemory memory;
    memory.count_ = count;
    memory.bytes_ = bytes;
    void* const data = mmap(nullptr, memory.mapped_bytes(), PROT_READ | PROT_WRITE,
                            MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (data == MAP_FAILED) {
        return std::unexpected{describe("receive memory of " + std::to_string(count) +
                                            " (buffers_count) times " + std::to_string(bytes) +
                                            " (buffer_bytes)",
                                        errno)};
    }
    memory.data_ = static_cast<std::byte*>(data);
    return memory;
}

ReceiveMemory::~ReceiveMemory() {
    if (data_ != nullptr) munmap(data_, mapped_bytes());
}

}  // namespace ringcast::ring
