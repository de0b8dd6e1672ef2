#include "ring/wake_event.hpp"

#include <cerrno>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/assert.hpp"
#include "ring/error.hpp"

namespace ringcast::ring {

std::expected<WakeEvent, std::string> WakeEvent::open() {
    WakeEvent event;
    event.descriptor_ = Descriptor{eventfd(0, EFD_CLOEXEC)};
    if (!event.descriptor_) return std::unexpected{describe("eventfd", errno)};
    return event;
}

void WakeEvent::consume() const noexcept {
    std::uint64_t count = 0;
    while (::read(fd(), &count, sizeof count) < 0) RC_ASSERT(errno == EINTR);
}

void WakeEvent::wake(void* context) noexcept {
    const auto& event = *static_cast<const WakeEvent*>(context);
    const std::uint64_t one = 1;
    while (::write(event.fd(), &one, sizeof one) < 0) RC_ASSERT(errno == EINTR);
}

}  // namespace ringcast::ring
