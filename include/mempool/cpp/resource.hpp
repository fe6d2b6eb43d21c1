/* SPDX-License-Identifier: MIT */
/*
 * A pool as a std::pmr::memory_resource.
 */
#ifndef MEMPOOL_CPP_RESOURCE_HPP
#define MEMPOOL_CPP_RESOURCE_HPP

#if __has_include(<memory_resource>) && defined(__cpp_exceptions)

#include <mempool/cpp/pool.hpp>
#include <mempool/mempool.h>

#include <cstddef>
#include <memory_resource>
#include <new>
#include <type_traits>

namespace mempools
{

/*
 * Each allocation takes a whole block, so this is for what allocates pieces of about that size:
 * nodes of std::pmr::list, map or unordered_map, or chunks of a monotonic_buffer_resource.
 * std::bad_alloc says that no block is free, or that a block is too small or aligned too weakly for
 * what is wanted; a vector that grows beyond a block gets it.
 *
 * The memory is shared, what containers keep there is not: pointers in it are good in this process
 * alone. Pass data on by blocks, not by containers. What it is good for: memory that was reserved
 * beforehand, that costs no lock, that mempoolctl shows, and that others have again the moment this
 * process is killed. The pool must outlive the resource.
 */
class resource : public std::pmr::memory_resource
{
public:
	template <class T>
	explicit resource(pool<T> &pool) noexcept
	    : pool_(pool.native()), block_size_(pool.block_size()), alignment_(pool.alignment())
	{
		static_assert(!std::is_const_v<T>, "a reader's blocks cannot be written to");
	}

private:
	void *do_allocate(std::size_t bytes, std::size_t alignment) override
	{
		void *block = nullptr;

		if (bytes <= block_size_ && alignment <= alignment_) {
			block = mempool_get(pool_);
		}
		if (block == nullptr) {
			throw std::bad_alloc();
		}
		return block;
	}

	void do_deallocate(void *block, std::size_t, std::size_t) override
	{
		mempool_put(pool_, block);
	}

	bool do_is_equal(const std::pmr::memory_resource &other) const noexcept override
	{
		return this == &other;
	}

	::mempool *pool_;
	std::size_t block_size_;
	std::size_t alignment_;
};

} // namespace mempools

#endif

#endif
