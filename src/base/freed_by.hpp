#pragma once
// The deleter of a unique_ptr to an object of a C library: calls `Function` with it. Cannot fail.

namespace ringcast {

template <auto Function>
struct FreedBy {
    template <class T>
    void operator()(T* object) const noexcept {
        Function(object);
    }
};

}  // namespace ringcast
