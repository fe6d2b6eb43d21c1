/* SPDX-License-Identifier: MIT */
/*
 * Blocks of one pool that go together: in an array, without memory besides.
 */
#ifndef MEMPOOL_CPP_BATCH_HPP
#define MEMPOOL_CPP_BATCH_HPP

#include <mempool/cpp/block.hpp>
#include <mempool/cpp/error.hpp>
#include <mempool/mempool.h>

#include <sys/types.h>

#include <algorithm>
#include <cstddef>
#include <iterator>
#include <type_traits>
#include <utility>

namespace mempools
{

/*
 * Up to N blocks of this process, which are put at the end of their owner's life. A batch belongs
 * to the pool it is made for; pool<T>::get() and a channel's calls fill and empty it. A block by
 * itself comes by push(), and goes by pop().
 */
template <class T, std::size_t N> class batch
{
	static_assert(detail::check_type<T>());
	static_assert(N > 0);

public:
	/* Over the blocks, as T &. */
	class iterator
	{
	public:
		using iterator_category = std::forward_iterator_tag;
		using value_type = std::remove_const_t<T>;
		using difference_type = std::ptrdiff_t;
		using pointer = T *;
		using reference = T &;

		iterator() noexcept = default;
		T &operator*() const noexcept
		{
			return *static_cast<T *>(*at_);
		}
		T *operator->() const noexcept
		{
			return static_cast<T *>(*at_);
		}
		iterator &operator++() noexcept
		{
			at_++;
			return *this;
		}
		iterator operator++(int) noexcept
		{
			return iterator(at_++);
		}
		friend bool operator==(iterator a, iterator b) noexcept
		{
			return a.at_ == b.at_;
		}
		friend bool operator!=(iterator a, iterator b) noexcept
		{
			return a.at_ != b.at_;
		}

	private:
		friend class batch;
		explicit iterator(void *const *at) noexcept : at_(at)
		{
		}

		void *const *at_ = nullptr;
	};

	explicit batch(pool<T> &pool) noexcept : pool_(pool.native())
	{
	}

	batch(batch &&other) noexcept : pool_(other.pool_)
	{
		steal(other);
	}

	batch &operator=(batch &&other) noexcept
	{
		if (this != &other) {
			finish();
			pool_ = other.pool_;
			steal(other);
		}
		return *this;
	}

	MEMPOOLS_HOT ~batch()
	{
		finish();
	}

	std::size_t size() const noexcept
	{
		return n_;
	}

	bool empty() const noexcept
	{
		return n_ == 0;
	}

	static constexpr std::size_t capacity() noexcept
	{
		return N;
	}

	T &operator[](std::size_t i) const noexcept
	{
		return *static_cast<T *>(blocks_[i]);
	}

	iterator begin() const noexcept
	{
		return iterator(blocks_);
	}

	iterator end() const noexcept
	{
		return iterator(blocks_ + n_);
	}

	/* Adds a block. Without room for it, or if it is another pool's, EINVAL; added keeps it. */
	void push(block<T> &&added)
	{
		detail::need(refusal(added));
		blocks_[n_++] = detail::raw(added.take());
	}

	bool push(block<T> &&added, std::error_code &code) noexcept
	{
		code = refusal(added);
		if (code) {
			return false;
		}
		blocks_[n_++] = detail::raw(added.take());
		return true;
	}

	/* The last block, or an empty owner when there is none. */
	block<T> pop() noexcept
	{
		if (n_ == 0) {
			return {};
		}
		return block<T>(blocks_[--n_], pool_);
	}

	/* Puts all. If that is refused, none was put, and the batch still has them. */
	void put()
	{
		detail::need(mempool_put_bulk(pool_, blocks_, n_));
		n_ = 0;
	}

	bool put(std::error_code &code) noexcept
	{
		if (detail::tell(mempool_put_bulk(pool_, blocks_, n_), code) < 0) {
			return false;
		}
		n_ = 0;
		return true;
	}

private:
	friend class pool<T>;
	friend class sender<T>;
	friend class receiver<T>;

	MEMPOOLS_HOT void finish() noexcept
	{
		if (n_ > 0) {
			mempool_put_bulk(pool_, blocks_, n_);
			n_ = 0;
		}
	}

	void steal(batch &other) noexcept
	{
		n_ = std::exchange(other.n_, 0);
		std::copy_n(other.blocks_, n_, blocks_);
	}

	/* Why a block is not added, if it is not. */
	std::error_code refusal(const block<T> &added) const noexcept
	{
		if (__builtin_expect(!added, 0)) {
			return detail::note_own(EINVAL, "a batch of %zu takes no empty owner", N);
		}
		if (__builtin_expect(added.pool_ != pool_, 0)) {
			return detail::note_own(EINVAL,
						"a batch of %zu has blocks of one pool alone: "
						"make another for each pool",
						N);
		}
		if (__builtin_expect(n_ == N, 0)) {
			return detail::note_own(EINVAL, "a batch of %zu is full: it takes no block",
						N);
		}
		return {};
	}

	/* For calls that add blocks: where, and how many there may be. */
	void **free_places() noexcept
	{
		return blocks_ + n_;
	}

	std::size_t n_free() const noexcept
	{
		return N - n_;
	}

	/* The first have gone; a negative number is a failure, and none has. */
	std::size_t drop_first(ssize_t n) noexcept
	{
		if (n <= 0) {
			return 0;
		}
		const std::size_t gone = static_cast<std::size_t>(n);
		n_ -= gone;
		std::copy_n(blocks_ + gone, n_, blocks_);
		return gone;
	}

	std::size_t add(ssize_t n) noexcept
	{
		const std::size_t come = n > 0 ? static_cast<std::size_t>(n) : 0;

		n_ += come;
		return come;
	}

	void *blocks_[N];
	std::size_t n_ = 0;
	::mempool *pool_;
};

} // namespace mempools

#endif
