#pragma once
// What a break makes of the replies to one client of the Centrifuge protocol.

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "sim/centrifuge_replies.hpp"
#include "sim/topic_break.hpp"

namespace ringcast::sim {

class CentrifugeDamage {
public:
    explicit CentrifugeDamage(TopicBreak broken) : break_{broken} {}

    /// What the client gets instead. `asked_offset`: of the position that the command has named
    /// which is to be answered next, if somebody has been there.
    [[nodiscard]] std::vector<told::Reply> done_to(told::Reply reply,
                                                   std::optional<std::uint64_t> asked_offset);

private:
    [[nodiscard]] std::vector<told::Reply> done_to_push(told::Reply push);
    [[nodiscard]] std::vector<told::Reply> swapped(told::Reply answer);
    void spoil(told::Reply& answer, std::optional<std::uint64_t> asked_offset) const;

    const TopicBreak break_;
    std::uint64_t pushes_ = 0;           // Of publications.
    std::optional<told::Reply> held_;    // An answer that comes behind the next one.
    std::optional<told::Reply> newest_;  // Of those pushes.
};

}  // namespace ringcast::sim
