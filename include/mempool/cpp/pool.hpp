/* SPDX-License-Identifier: MIT */
/*
 * The connection to the daemon, and pools.
 */
#ifndef MEMPOOL_CPP_POOL_HPP
#define MEMPOOL_CPP_POOL_HPP

#include <mempool/cpp/batch.hpp>
#include <mempool/cpp/block.hpp>
#include <mempool/cpp/error.hpp>
#include <mempool/cpp/timeout.hpp>
#include <mempool/mempool.h>

#include <cassert>
#include <cerrno>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <type_traits>
#include <utility>
#include <vector>

namespace mempools
{

/* A name or an address, as strings of C and of C++ are. */
class name_ref
{
public:
	name_ref(const char *name) noexcept : name_(name)
	{
	}
	name_ref(const std::string &name) noexcept : name_(name.c_str())
	{
	}
	const char *c_str() const noexcept
	{
		return name_;
	}

private:
	const char *name_;
};

/* What a pool is made of: struct mempool_attr, in which all is default from the start. */
struct attributes : mempool_attr {
	attributes() noexcept : mempool_attr() /* MEMPOOL_ATTR_INIT, without casts of C */
	{
		size = sizeof(mempool_attr);
		uid = gid = UINT32_MAX;
	}
};

/* How a pool is opened: flags of mempool_open(), and the schema it must have; 0: any. */
struct opening {
	unsigned flags = 0;
	std::uint64_t schema = 0;
	std::uint32_t schema_version = 0;
};

/*
 * A connection to the daemon; by default to $MEMPOOL_SOCKET, and so on, as mempool_connect(). Pools
 * that were opened by it need it no more.
 */
class connection
{
public:
	connection() : connection(nullptr)
	{
	}

	explicit connection(name_ref address) : connection(address.c_str())
	{
	}

	explicit connection(const char *address)
	{
		detail::need(connect(address));
	}

	/* Empty, if code says so. */
	explicit connection(std::error_code &code) noexcept
	{
		detail::tell(connect(nullptr), code);
	}

	connection(name_ref address, std::error_code &code) noexcept
	{
		detail::tell(connect(address.c_str()), code);
	}

	explicit operator bool() const noexcept
	{
		return handle_ != nullptr;
	}

	::mempool_conn *native() const noexcept
	{
		return handle_.get();
	}

	/* Takes a pool's name away: mempool_destroy(). */
	void destroy(name_ref name)
	{
		detail::need(mempool_destroy(native(), name.c_str()));
	}

	bool destroy(name_ref name, std::error_code &code) noexcept
	{
		return detail::tell(mempool_destroy(native(), name.c_str()), code) == 0;
	}

	/* Adds blocks to a pool: mempool_grow(). */
	void grow(name_ref name, std::uint32_t blocks)
	{
		detail::need(mempool_grow(native(), name.c_str(), blocks));
	}

	bool grow(name_ref name, std::uint32_t blocks, std::error_code &code) noexcept
	{
		return detail::tell(mempool_grow(native(), name.c_str(), blocks), code) == 0;
	}

private:
	struct closer {
		void operator()(::mempool_conn *handle) const noexcept
		{
			mempool_disconnect(handle);
		}
	};

	int connect(const char *address) noexcept
	{
		::mempool_conn *handle = nullptr;
		int error = mempool_connect(&handle, address);

		handle_.reset(handle);
		return error;
	}

	std::unique_ptr<::mempool_conn, closer> handle_;
};

/*
 * A pool this process has open. It is closed at the end of its owner's life; but while the process
 * has blocks of it or channels, it stays open for these. close() says whether that was so.
 */
template <class T = std::byte> class pool
{
	static_assert(detail::check_type<T>());

public:
	using element_type = T;
	using block_type = block<T>;

	pool() noexcept = default;

	/*
	 * Makes a pool, and opens it: mempool_create(). A block_size of 0 is that of T, and an
	 * alignment of 0 is 64, or T's if that is more.
	 */
	static pool create(connection &conn, name_ref name, const attributes &attr)
	{
		std::error_code code;
		pool made = create(conn, name, attr, code);

		detail::need(code);
		return made;
	}

	static pool create(connection &conn, name_ref name, const attributes &attr,
			   std::error_code &code) noexcept
	{
		return make(mempool_create, conn, name, attr, code);
	}

	/* Opens the pool, or makes it: mempool_open_or_create(). */
	static pool open_or_create(connection &conn, name_ref name, const attributes &attr)
	{
		std::error_code code;
		pool made = open_or_create(conn, name, attr, code);

		detail::need(code);
		return made;
	}

	static pool open_or_create(connection &conn, name_ref name, const attributes &attr,
				   std::error_code &code) noexcept
	{
		return make(mempool_open_or_create, conn, name, attr, code);
	}

	/* Opens the pool: mempool_open(), or with a schema mempool_open_schema(). */
	static pool open(connection &conn, name_ref name, const opening &how = {})
	{
		std::error_code code;
		pool opened = open(conn, name, how, code);

		detail::need(code);
		return opened;
	}

	static pool open(connection &conn, name_ref name, std::error_code &code) noexcept
	{
		return open(conn, name, {}, code);
	}

	static pool open(connection &conn, name_ref name, const opening &how,
			 std::error_code &code) noexcept
	{
		const bool is_reader = std::is_const_v<T> && !(how.flags & MEMPOOL_OBSERVE);
		::mempool *handle = nullptr;
		int error = mempool_open_schema(conn.native(), name.c_str(),
						how.flags | (is_reader ? MEMPOOL_RDONLY : 0u),
						how.schema, how.schema_version, &handle);

		return opened(handle, error, name, code);
	}

	explicit operator bool() const noexcept
	{
		return handle_ != nullptr;
	}

	::mempool *native() const noexcept
	{
		return handle_.get();
	}

	/* Closes the pool. While it is in use, EBUSY, and it stays open. */
	void close()
	{
		detail::need(mempool_close(native()));
		(void)handle_.release();
	}

	bool close(std::error_code &code) noexcept
	{
		if (detail::tell(mempool_close(native()), code) < 0) {
			return false;
		}
		(void)handle_.release();
		return true;
	}

	/* Gets a block, and does not wait. */
	block<T> get()
	{
		::mempool *handle = native();

		return {detail::need(mempool_get(handle)), handle};
	}

	block<T> try_get()
	{
		::mempool *handle = native();

		return {detail::want(mempool_get(handle)), handle};
	}

	block<T> get(std::error_code &code) noexcept
	{
		::mempool *handle = native();

		return {detail::tell(mempool_get(handle), code), handle};
	}

	/* Gets a block, and waits for one. */
	block<T> get(timeout time)
	{
		::mempool *handle = native();

		return {detail::need(mempool_get_wait(handle, time.ms())), handle};
	}

	block<T> try_get(timeout time)
	{
		::mempool *handle = native();

		return {detail::want(mempool_get_wait(handle, time.ms())), handle};
	}

	block<T> get(timeout time, std::error_code &code) noexcept
	{
		::mempool *handle = native();

		return {detail::tell(mempool_get_wait(handle, time.ms()), code), handle};
	}

	/* Adds n blocks to the batch, all or none; more than it has room for are EINVAL. */
	template <std::size_t N> void get(batch<T, N> &to, std::size_t n)
	{
		if (!has_room(to, n)) {
			detail::raise(no_room(to, n));
		}
		detail::need(get_bulk(to, n));
	}

	template <std::size_t N> bool try_get(batch<T, N> &to, std::size_t n)
	{
		if (!has_room(to, n)) {
			detail::raise(no_room(to, n));
		}
		return detail::want(get_bulk(to, n)) == 0;
	}

	template <std::size_t N>
	bool get(batch<T, N> &to, std::size_t n, std::error_code &code) noexcept
	{
		if (!has_room(to, n)) {
			code = no_room(to, n);
			return false;
		}
		return detail::tell(get_bulk(to, n), code) == 0;
	}

	/* Gives a block away, to whoever takes the token first. If it fails, given keeps it. */
	mempool_token give(block<T> &&given)
	{
		const mempool_token token =
			detail::need(mempool_give(native(), detail::raw(given.get())));

		given.take();
		return token;
	}

	mempool_token give(block<T> &&given, std::error_code &code) noexcept
	{
		const mempool_token token =
			detail::tell(mempool_give(native(), detail::raw(given.get())), code);

		if (token.v != 0) {
			given.take();
		}
		return token;
	}

	/* Takes the block of a token. */
	block<T> take(mempool_token token)
	{
		return {detail::need(mempool_take(native(), token)), native()};
	}

	block<T> try_take(mempool_token token)
	{
		return {detail::want(mempool_take(native(), token)), native()};
	}

	block<T> take(mempool_token token, std::error_code &code) noexcept
	{
		return {detail::tell(mempool_take(native(), token), code), native()};
	}

	/* Takes a gift of this process back. */
	block<T> withdraw(mempool_token token)
	{
		return {detail::need(mempool_withdraw(native(), token)), native()};
	}

	block<T> try_withdraw(mempool_token token)
	{
		return {detail::want(mempool_withdraw(native(), token)), native()};
	}

	block<T> withdraw(mempool_token token, std::error_code &code) noexcept
	{
		return {detail::tell(mempool_withdraw(native(), token), code), native()};
	}

	/* The gifts of this process that nobody has taken yet. */
	std::vector<mempool_token> gifts() const
	{
		std::vector<mempool_token> tokens(8);
		std::size_t n = 0;

		while ((n = static_cast<std::size_t>(detail::need(mempool_gifts(
				native(), tokens.data(), tokens.size())))) > tokens.size()) {
			tokens.resize(n);
		}
		tokens.resize(n);
		return tokens;
	}

	/* Gives what this thread caches to the depot. */
	void flush()
	{
		detail::need(mempool_flush(native()));
	}

	/* Ends all waits of the handle, now and from now on. For any thread or signal handler. */
	void cancel() noexcept
	{
		mempool_cancel(native());
	}

	/* A descriptor for event loops, readable while a block may be had. */
	int fd()
	{
		return detail::need(mempool_fd(native()));
	}

	std::size_t block_size() const noexcept
	{
		return mempool_block_size(native());
	}

	std::size_t stride() const noexcept
	{
		return mempool_stride(native());
	}

	std::uint32_t blocks() const noexcept
	{
		return mempool_blocks(native());
	}

	/* What every block is aligned to: told by where the first is, and the next. */
	std::size_t alignment() const noexcept
	{
		const auto first = reinterpret_cast<std::uintptr_t>(mempool_block_at(native(), 0));
		const auto bits = first | stride();

		return static_cast<std::size_t>(bits & (~bits + 1));
	}

	mempool_stats stat() const
	{
		mempool_stats stats;

		detail::need(mempool_stat(native(), &stats));
		return stats;
	}

	/* What has become of the pool: MEMPOOL_LIVE and so on. */
	enum ::mempool_state state() const
	{
		return static_cast<enum ::mempool_state>(detail::need(::mempool_state(native())));
	}

	/* Walks the pool's invariants. If all is well, lost, duplicated and broken are 0. */
	mempool_report check() const
	{
		mempool_report report{};
		const int error = mempool_check(native(), &report);

		if (error != -EUCLEAN) {
			detail::need(error);
		}
		return report;
	}

private:
	struct closer {
		void operator()(::mempool *handle) const noexcept
		{
			detail::keep_sentence();
			mempool_close(handle);
		}
	};

	using maker = int (*)(::mempool_conn *, const char *, const mempool_attr *, ::mempool **);

	static pool make(maker make, connection &conn, name_ref name, mempool_attr attr,
			 std::error_code &code) noexcept
	{
		static_assert(!std::is_const_v<T>, "who makes a pool opens it as writer");
		::mempool *handle = nullptr;

		if (attr.block_size == 0 && !std::is_same_v<T, std::byte>) {
			attr.block_size = sizeof(T) < MEMPOOL_BLOCK_SIZE_MIN
						  ? MEMPOOL_BLOCK_SIZE_MIN
						  : sizeof(T);
		}
		if (attr.alignment == 0 && alignof(T) > 64) {
			attr.alignment = alignof(T);
		}
		if (attr.block_size != 0 && attr.block_size < sizeof(T)) {
			code = too_small(name, attr.block_size);
			return {};
		}
		if (attr.alignment != 0 && attr.alignment < alignof(T)) {
			code = too_loose(name);
			return {};
		}
		int error = make(conn.native(), name.c_str(), &attr, &handle);
		return opened(handle, error, name, code);
	}

	/* A pool just opened, if a T fits into each of its blocks. */
	static pool opened(::mempool *handle, int error, name_ref name,
			   std::error_code &code) noexcept
	{
		pool opened;

		opened.handle_.reset(handle);
		if (detail::tell(error, code) < 0) {
			return opened;
		}
		if (opened.block_size() < sizeof(T)) {
			code = too_small(name, opened.block_size());
		} else if (opened.alignment() < alignof(T)) {
			code = too_loose(name);
		}
		if (code) {
			opened.handle_.reset();
		}
		return opened;
	}

	static std::error_code too_small(name_ref name, std::uint64_t block_size) noexcept
	{
		return detail::note_own(
			EPROTO,
			"pool %.64s has blocks of %llu bytes, and the program's type "
			"takes %zu: make the pool with larger blocks",
			name.c_str(), static_cast<unsigned long long>(block_size), sizeof(T));
	}

	static std::error_code too_loose(name_ref name) noexcept
	{
		return detail::note_own(
			EPROTO,
			"blocks of pool %.64s are not aligned to %zu bytes, as the "
			"program's type has to be: make the pool with that alignment",
			name.c_str(), alignof(T));
	}

	template <std::size_t N> static bool has_room(const batch<T, N> &to, std::size_t n) noexcept
	{
		return __builtin_expect(n <= to.n_free(), 1);
	}

	template <std::size_t N>
	static std::error_code no_room(const batch<T, N> &to, std::size_t n) noexcept
	{
		return detail::note_own(EINVAL,
					"a batch of %zu with room for %zu takes no %zu blocks", N,
					to.n_free(), n);
	}

	template <std::size_t N> int get_bulk(batch<T, N> &to, std::size_t n) noexcept
	{
		assert(to.pool_ == native());
		int error = mempool_get_bulk(native(), to.free_places(), n);
		if (__builtin_expect(error == 0, 1)) {
			to.n_ += n;
		}
		return error;
	}

	std::unique_ptr<::mempool, closer> handle_;
};

} // namespace mempools

#endif
