#pragma once
// How a user's handler, a plain struct, becomes something the library can call. Not part of the
// API.

#include <concepts>
#include <cstdint>
#include <memory>
#include <string_view>
#include <type_traits>
#include <utility>

#include "ringcast/session.hpp"
#include "ringcast/upgrade.hpp"

namespace ringcast::detail {

/// What the library calls. One object per mounted path and shard; all calls come from the shard's
/// thread and may throw what the user's code throws.
class Handler {
public:
    using Decision = std::variant<ErasedState, Rejection, Pending>;

    virtual ~Handler() = default;
    virtual Decision on_upgrade(Upgrade& upgrade) = 0;
    virtual void on_open(SessionCore core) = 0;
    virtual void on_message(SessionCore core, std::string_view payload, MessageKind kind) = 0;
    virtual void on_skipped(SessionCore core, std::uint64_t count) = 0;
    virtual void on_drain(SessionCore core) = 0;
    virtual void on_close(SessionCore core, CloseCode code, std::string_view reason) = 0;
    virtual void on_tick(Shard shard) = 0;
    /// The address of type_tag<State>.
    [[nodiscard]] virtual const void* state_tag() const noexcept = 0;
};

/// The State in `on_message(Session<State>&, ...)`.
template <class T>
struct StateOf;
template <class H, class R, class S, class... Rest>
struct StateOf<R (H::*)(Session<S>&, Rest...)> {
    using Type = S;
};
template <class H, class R, class S, class... Rest>
struct StateOf<R (H::*)(Session<S>&, Rest...) const> {
    using Type = S;
};
template <class H, class R, class S, class... Rest>
struct StateOf<R (H::*)(Session<S>&, Rest...) noexcept> {
    using Type = S;
};
template <class H, class R, class S, class... Rest>
struct StateOf<R (H::*)(Session<S>&, Rest...) const noexcept> {
    using Type = S;
};

template <class H>
using SessionState = typename StateOf<decltype(&H::on_message)>::Type;

template <class H>
concept HasOnMessage = requires { typename StateOf<decltype(&H::on_message)>::Type; };

/// Calls the hooks that `H` has. The state is built by on_upgrade, or by default.
template <class H>
class TypedHandler final : public Handler {
public:
    using State = SessionState<H>;

    template <class... Arguments>
    explicit TypedHandler(const Arguments&... arguments) : handler_{arguments...} {}

    Decision on_upgrade(Upgrade& upgrade) override {
        if constexpr (requires { handler_.on_upgrade(upgrade); }) {
            return erased(Admission<State>{handler_.on_upgrade(upgrade)});
        } else {
            static_assert(!requires { &H::on_upgrade; }, "on_upgrade takes an Upgrade&");
            static_assert(std::default_initializable<State>,
                          "a handler whose session state has no default needs on_upgrade");
            return erase(State{});
        }
    }
    void on_open(SessionCore core) override {
        Session<State> session{core};
        if constexpr (requires { handler_.on_open(session); }) {
            handler_.on_open(session);
        } else {
            static_assert(!requires { &H::on_open; }, "on_open takes a Session<State>&");
        }
    }
    void on_message(SessionCore core, std::string_view payload, MessageKind kind) override {
        Session<State> session{core};
        handler_.on_message(session, Message{payload, kind});
    }
    void on_skipped(SessionCore core, std::uint64_t count) override {
        Session<State> session{core};
        if constexpr (requires { handler_.on_skipped(session, count); }) {
            handler_.on_skipped(session, count);
        } else {
            static_assert(
                !requires { &H::on_skipped; }, "on_skipped takes a Session<State>& and a count");
        }
    }
    void on_drain(SessionCore core) override {
        Session<State> session{core};
        if constexpr (requires { handler_.on_drain(session); }) {
            handler_.on_drain(session);
        } else {
            static_assert(!requires { &H::on_drain; }, "on_drain takes a Session<State>&");
        }
    }
    void on_close(SessionCore core, CloseCode code, std::string_view reason) override {
        Session<State> session{core};
        if constexpr (requires { handler_.on_close(session, code, reason); }) {
            handler_.on_close(session, code, reason);
        } else if constexpr (requires { handler_.on_close(session, code); }) {
            handler_.on_close(session, code);
        } else {
            static_assert(
                !requires { &H::on_close; },
                "on_close takes a Session<State>&, a CloseCode and, if it likes, the reason");
        }
    }
    void on_tick(Shard shard) override {
        if constexpr (requires { handler_.on_tick(shard); }) {
            handler_.on_tick(shard);
        } else {
            static_assert(!requires { &H::on_tick; }, "on_tick takes a Shard");
        }
    }
    [[nodiscard]] const void* state_tag() const noexcept override { return &type_tag<State>; }

private:
    static Decision erased(Admission<State> admission) {
        if (auto* state = std::get_if<State>(&admission)) return erase(std::move(*state));
        if (auto* rejection = std::get_if<Rejection>(&admission)) return std::move(*rejection);
        return Pending{};
    }

    H handler_;
};

}  // namespace ringcast::detail
