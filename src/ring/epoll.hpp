#pragma once
// The ring on epoll: the same contract, emulated on level-triggered readiness. A first-class path,
// not a stopgap: many containers forbid io_uring.
//
// A small echo costs one recv and one send; epoll_wait is shared by all that is ready in a turn,
// and epoll_ctl is called when a descriptor's interest really changes:
//
//   recv, accept   EPOLLIN is registered when first armed and stays while the shard re-arms. Only
//   when an event comes that
//                  nobody waits for (finished, cancelled) is the interest dropped, so a suspend
//                  that is resumed soon is free.
//   send           is tried at once; EPOLLOUT is registered only while there is a rest.
//   send_quiet     is tried once when the batch is handed over.
//
// Each ready descriptor gets one recv per turn. Slices are cut from a receive buffer one behind the
// other; every turn starts at the front of the buffer that was freed last, which is the one still
// in cache.

#include <cstdint>
#include <expected>
#include <memory>
#include <string>
#include <sys/epoll.h>
#include <vector>

#include "ring/make_ring.hpp"
#include "ring/receive_memory.hpp"
#include "ring/ring.hpp"
#include "ring/wake_event.hpp"

namespace ringcast::ring {

class EpollRing final : public Ring {
public:
    /// Features are ignored. The error is one sentence.
    [[nodiscard]] static std::expected<std::unique_ptr<Ring>, std::string> make(
        const Options& options);
    /// Closes accepted descriptors that nobody was told of.
    ~EpollRing() override;

    [[nodiscard]] Waker waker() noexcept override { return wake_event_.waker(); }
    [[nodiscard]] Address peer_address(int fd) noexcept override;
    [[nodiscard]] std::uint64_t unacknowledged_bytes(int fd) noexcept override;
    [[nodiscard]] bool gathers() const noexcept override { return false; }
    [[nodiscard]] bool idle() const noexcept override;

protected:
    std::span<const Completion> exchange(std::span<const Submission> submissions,
                                         const Wait& wait) override;
    std::span<const Completion> submit(std::span<const Submission> submissions) override;
    void spill(std::span<const Submission> submissions) override;

private:
    /// What the ring knows of one descriptor, found by its number. Wiped when the ring closes it.
    struct Registration {
        Token in_token;          // Of the armed recv or accept.
        Submission send;         // The send in flight.
        std::uint64_t sent = 0;  // Bytes of it that went.
        std::uint32_t interest =
            0;  // Events registered with epoll; 0: the descriptor is not in its set.
        bool in_armed = false;
        bool send_armed = false;
    };
    static_assert(sizeof(Registration) <= 64);

public:
    static constexpr std::size_t bytes_per_descriptor = sizeof(Registration);

private:
    EpollRing(const Options& options, ReceiveMemory memory, WakeEvent wake_event, Descriptor epoll);

    [[nodiscard]] Registration& registration(int fd);
    /// Returns 0 or -errno.
    [[nodiscard]] int set_interest(int fd, std::uint32_t interest);

    void hand_over(std::span<const Submission> submissions);
    void execute(const Submission& submission);
    void arm_accept(const Submission& submission);
    void arm_recv(const Submission& submission);
    void cancel_in(const Submission& submission);
    void send_quietly(const Submission& submission);
    void start_send(const Submission& submission);
    void continue_send(int fd);
    void finish_send(int fd, std::int32_t result);
    void close_descriptor(const Submission& submission);

    void poll(const Wait& wait);
    [[nodiscard]] std::uint32_t wait_for_events(Duration timeout);
    void handle(const epoll_event& event);
    void accept_some(int listener);
    void receive(int fd);
    void post_in(int fd, std::int32_t result, std::byte* bytes, bool more);
    [[nodiscard]] bool find_room();

    Descriptor epoll_;
    WakeEvent wake_event_;
    ReceiveMemory memory_;
    std::vector<std::uint16_t> free_buffers_;  // Last in, first out.
    LentBuffers lent_;
    std::uint32_t fill_index_ = 0;  // The buffer that this turn cuts slices from ...
    std::uint32_t fill_bytes_ = 0;  // ... and how much of it is used;
    bool filling_ = false;          // ... if there is one.

    std::vector<Registration> registrations_;
    std::vector<epoll_event> events_;
    bool has_pwait2_ = true;  // Until the kernel or a seccomp profile says no.
    // What the kernel has told, and how far we are with it. An event is a hint: its descriptor may
    // have been closed since, and its number may be another one's.
    std::uint32_t events_count_ = 0;
    std::uint32_t next_event_ = 0;
    std::uint64_t unanswered_ = 0;  // accept, recv, send and close that will complete once more.

    std::vector<Completion> shortfalls_;  // Of quiet sends, not yet returned.
    std::vector<Completion> ready_;       // Everything else, not yet returned.
    std::vector<Completion> returned_;    // What the last turn() returned; lives until the next.
    std::vector<Completion> flushed_;     // What the last flush() returned.
};

}  // namespace ringcast::ring
