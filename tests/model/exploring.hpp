#pragma once
// What the model tests do with worlds: all executions must be right, or one must be found that is
// not. Both print how many they needed.

#include <concepts>
#include <cstdio>
#include <doctest/doctest.h>
#include <string>
#include <string_view>

#include "model/model.hpp"

namespace model {

inline void print(const char* name, const Result& result) {
    std::printf("model: %s: %llu executions, %llu given up as repetitions%s%s\n", name,
                static_cast<unsigned long long>(result.executions),
                static_cast<unsigned long long>(result.pruned),
                result.failure.empty() ? "" : ", the last one: ", result.failure.c_str());
}

/// No execution of W fails.
template <std::derived_from<World> W>
void check_all(const char* name) {
    const Result result = explore<W>();
    print(name, result);
    INFO(result.trace);
    CHECK(result.failure == "");
}

/// Some execution of W fails, and says `failure`.
template <std::derived_from<World> W>
void check_finds(const char* name, std::string_view failure) {
    const Result result = explore<W>();
    print(name, result);
    INFO(result.trace);
    CHECK(result.failure == failure);
}

}  // namespace model
