/* SPDX-License-Identifier: MIT */
/*
 * A block, and what is in it.
 */
#ifndef MEMPOOL_CPP_BLOCK_HPP
#define MEMPOOL_CPP_BLOCK_HPP

#include <mempool/cpp/error.hpp>
#include <mempool/mempool.h>

#include <cstddef>
#include <cstdint>
#include <type_traits>
#include <utility>
#if __has_include(<span>)
#include <span>
#endif

namespace mempools
{

#ifdef __cpp_lib_span
template <class T> using span = std::span<T>;
#else
/* What this header needs of std::span, before C++20. */
template <class T> class span
{
public:
	constexpr span() noexcept = default;
	constexpr span(T *data, std::size_t size) noexcept : data_(data), size_(size)
	{
	}
	constexpr T *data() const noexcept
	{
		return data_;
	}
	constexpr std::size_t size() const noexcept
	{
		return size_;
	}
	constexpr bool empty() const noexcept
	{
		return size_ == 0;
	}
	constexpr T &operator[](std::size_t i) const
	{
		return data_[i];
	}
	constexpr T *begin() const noexcept
	{
		return data_;
	}
	constexpr T *end() const noexcept
	{
		return data_ + size_;
	}

private:
	T *data_ = nullptr;
	std::size_t size_ = 0;
};
#endif

template <class T> class pool;
template <class T> class sender;
template <class T> class receiver;
template <class T> class subscriber;

namespace detail
{

/* U, const if T is. */
template <class T, class U>
using like = std::conditional_t<std::is_const_v<T>, std::add_const_t<U>, U>;

template <class T> constexpr bool check_type() noexcept
{
	static_assert(std::is_object_v<T> && !std::is_volatile_v<T>);
	static_assert(std::is_trivially_copyable_v<std::remove_const_t<T>>,
		      "who gets a block has its bytes, and nothing else of what is in it");
	static_assert(sizeof(T) <= MEMPOOL_BLOCK_SIZE_MAX, "no block is that large");
	static_assert(alignof(T) <= MEMPOOL_ALIGNMENT_MAX, "no block is aligned so strictly");
	return true;
}

/* A place in a pool with a T at its beginning, or none. */
template <class T> class place
{
	static_assert(check_type<T>());

public:
	using element_type = T;

	explicit operator bool() const noexcept
	{
		return at_ != nullptr;
	}

	T *get() const noexcept
	{
		return at_;
	}

	T &operator*() const noexcept
	{
		return *at_;
	}

	T *operator->() const noexcept
	{
		return at_;
	}

	/* All bytes of the block. */
	span<like<T, std::byte>> bytes() const noexcept
	{
		return {reinterpret_cast<like<T, std::byte> *>(at_), mempool_block_size(pool_)};
	}

	/* As many U as the block has room for behind its T. */
	template <class U> span<like<T, U>> rest() const noexcept
	{
		static_assert(check_type<U>());
		static_assert(alignof(U) <= alignof(T) || alignof(U) <= 8,
			      "give T the alignment that U needs: alignas(U)");
		constexpr std::size_t begin =
			(sizeof(T) + alignof(U) - 1) / alignof(U) * alignof(U);
		const std::size_t size = mempool_block_size(pool_);
		auto *bytes = reinterpret_cast<like<T, std::byte> *>(at_);

		return {reinterpret_cast<like<T, U> *>(bytes + begin),
			size < begin ? 0 : (size - begin) / sizeof(U)};
	}

	/* Which block of the pool it is: the same number for all processes. */
	std::uint32_t index() const noexcept
	{
		return static_cast<std::uint32_t>(mempool_block_index(pool_, at_));
	}

protected:
	constexpr place() noexcept = default;
	place(T *at, ::mempool *pool) noexcept : at_(at), pool_(pool)
	{
	}
	place(const place &) = default;
	place &operator=(const place &) = default;
	~place() = default;

	T *take() noexcept
	{
		return std::exchange(at_, nullptr);
	}

	T *at_ = nullptr;
	::mempool *pool_ = nullptr;
};

} // namespace detail

/*
 * A block of this process, which is put at the end of its owner's life. If libmempool refuses that,
 * the block has become somebody else's by calls of C, or its pool was closed by force in a parent,
 * and nothing happens. A block may outlive its pool<T>: the pool stays open for it then, until the
 * process ends.
 */
template <class T = std::byte> class block : public detail::place<T>
{
public:
	constexpr block() noexcept = default;

	block(block &&other) noexcept : detail::place<T>(other.take(), other.pool_)
	{
	}

	block &operator=(block &&other) noexcept
	{
		block(std::move(other)).swap(*this);
		return *this;
	}

	MEMPOOLS_HOT ~block()
	{
		if (this->at_ != nullptr) {
			mempool_put(this->pool_, detail::raw(this->at_));
		}
	}

	/* Makes a block that C's calls returned this owner's. */
	static block adopt(pool<T> &pool, T *at) noexcept
	{
		return block(detail::raw(at), pool.native());
	}

	/* Gives the block up, for C's calls to put, send or give. */
	[[nodiscard]] T *release() noexcept
	{
		return this->take();
	}

	/* Puts the block, and says whether that was refused; then the owner still has it. */
	void put()
	{
		detail::need(mempool_put(this->pool_, detail::raw(this->at_)));
		this->take();
	}

	bool put(std::error_code &code) noexcept
	{
		if (detail::tell(mempool_put(this->pool_, detail::raw(this->at_)), code) < 0) {
			return false;
		}
		this->take();
		return true;
	}

	void swap(block &other) noexcept
	{
		std::swap(this->at_, other.at_);
		std::swap(this->pool_, other.pool_);
	}

private:
	friend class pool<T>;
	friend class sender<T>;
	friend class receiver<T>;
	friend class subscriber<T>;
	template <class, std::size_t> friend class batch;

	block(void *at, ::mempool *pool) noexcept : detail::place<T>(static_cast<T *>(at), pool)
	{
	}
};

} // namespace mempools

#endif
