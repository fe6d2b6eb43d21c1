/* SPDX-License-Identifier: MIT */
/*
 * Channels: ends that send, receive and subscribe; what a subscriber has borrowed.
 */
#ifndef MEMPOOL_CPP_CHANNEL_HPP
#define MEMPOOL_CPP_CHANNEL_HPP

#include <mempool/cpp/batch.hpp>
#include <mempool/cpp/block.hpp>
#include <mempool/cpp/error.hpp>
#include <mempool/cpp/pool.hpp>
#include <mempool/cpp/timeout.hpp>
#include <mempool/mempool.h>

#include <cassert>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <utility>

namespace mempools
{

/*
 * What all ends have in common. An end is closed at the end of its owner's life, at which no other
 * thread may be inside a call on it. A subscriber with loans stays open, and subscribed, until the
 * process ends, also when these have been returned; close() says so.
 */
class channel
{
public:
	explicit operator bool() const noexcept
	{
		return handle_ != nullptr;
	}

	::mempool_channel *native() const noexcept
	{
		return handle_.get();
	}

	void close()
	{
		detail::need(mempool_channel_close(native()));
		(void)handle_.release();
	}

	bool close(std::error_code &code) noexcept
	{
		if (detail::tell(mempool_channel_close(native()), code) < 0) {
			return false;
		}
		(void)handle_.release();
		return true;
	}

	/* Waits until all that was sent before is received. */
	void drain(timeout time = forever)
	{
		detail::need(mempool_channel_drain(native(), time.ms()));
	}

	bool try_drain(timeout time = at_once)
	{
		return detail::want(mempool_channel_drain(native(), time.ms())) == 0;
	}

	bool drain(timeout time, std::error_code &code) noexcept
	{
		return detail::tell(mempool_channel_drain(native(), time.ms()), code) == 0;
	}

	mempool_channel_stats stat() const
	{
		mempool_channel_stats stats{};

		stats.size = sizeof(stats);
		detail::need(mempool_channel_stat(native(), &stats));
		return stats;
	}

	/* Ends all waits by this handle, now and from now on. For any thread or signal handler. */
	void cancel() noexcept
	{
		mempool_channel_cancel(native());
	}

	/* A descriptor for event loops: readable while there is something to receive, or room. */
	int fd()
	{
		return detail::need(mempool_channel_fd(native()));
	}

protected:
	channel() noexcept = default;
	channel(channel &&) noexcept = default;
	channel &operator=(channel &&) noexcept = default;
	~channel() = default;

	int open(::mempool *pool, std::uint32_t number, unsigned flags) noexcept
	{
		::mempool_channel *handle = nullptr;
		int error = mempool_channel_open(pool, number, flags, &handle);

		handle_.reset(handle);
		pool_ = pool;
		return error;
	}

	::mempool *pool_ = nullptr;

private:
	struct closer {
		void operator()(::mempool_channel *handle) const noexcept
		{
			detail::keep_sentence();
			mempool_channel_close(handle);
		}
	};

	std::unique_ptr<::mempool_channel, closer> handle_;
};

/*
 * Sends. Flags are those of mempool_channel_open(): MEMPOOL_CHANNEL_WORK or _BROADCAST, if the
 * channel is not a queue, and MEMPOOL_CHANNEL_ENDS. A call that fails leaves the sender its block.
 */
template <class T = std::byte> class sender : public channel
{
public:
	sender() noexcept = default;

	sender(pool<T> &pool, std::uint32_t number, unsigned flags = 0)
	{
		detail::need(open(pool.native(), number, flags));
	}

	sender(pool<T> &pool, std::uint32_t number, unsigned flags, std::error_code &code) noexcept
	{
		detail::tell(open(pool.native(), number, flags), code);
	}

	void send(block<T> &&sent, timeout time = forever)
	{
		detail::need(pass(sent, time));
		sent.take();
	}

	bool try_send(block<T> &&sent, timeout time = at_once)
	{
		if (detail::want(pass(sent, time)) < 0) {
			return false;
		}
		sent.take();
		return true;
	}

	bool send(block<T> &&sent, timeout time, std::error_code &code) noexcept
	{
		if (detail::tell(pass(sent, time), code) < 0) {
			return false;
		}
		sent.take();
		return true;
	}

	/*
	 * Sends the first blocks of the batch, as many as there is room for, and waits only while
	 * there is none. What was sent leaves the batch. Returns how many that were.
	 */
	template <std::size_t N> std::size_t send(batch<T, N> &from, timeout time = forever)
	{
		return from.drop_first(detail::need(pass(from, time)));
	}

	template <std::size_t N> std::size_t try_send(batch<T, N> &from, timeout time = at_once)
	{
		return from.drop_first(detail::want(pass(from, time)));
	}

	template <std::size_t N>
	std::size_t send(batch<T, N> &from, timeout time, std::error_code &code) noexcept
	{
		return from.drop_first(detail::tell(pass(from, time), code));
	}

private:
	int pass(const block<T> &sent, timeout time) noexcept
	{
		return mempool_channel_send(native(), detail::raw(sent.get()), time.ms());
	}

	template <std::size_t N> ssize_t pass(const batch<T, N> &from, timeout time) noexcept
	{
		return mempool_channel_send_bulk(native(), from.blocks_, from.n_, time.ms());
	}
};

namespace detail
{

/*
 * For loops over what comes: an Item each turn, until the stream ends, or the wait for more is
 * cancelled, or a signal handler ends it. An item of an earlier turn is given back before the wait.
 */
template <class From, class Item> class stream
{
public:
	struct sentinel {
	};

	class iterator
	{
	public:
		using iterator_category = std::input_iterator_tag;
		using value_type = Item;
		using difference_type = std::ptrdiff_t;
		using pointer = Item *;
		using reference = Item &;

		explicit iterator(stream *stream) noexcept : stream_(stream)
		{
		}
		Item &operator*() const noexcept
		{
			return stream_->item_;
		}
		Item *operator->() const noexcept
		{
			return &stream_->item_;
		}
		iterator &operator++()
		{
			stream_->next();
			return *this;
		}
		void operator++(int)
		{
			stream_->next();
		}
		bool operator==(sentinel) const noexcept
		{
			return stream_->is_over_;
		}
/* C++20 derives != from ==; one written out keeps it from deriving sentinel == iterator. */
#ifndef __cpp_impl_three_way_comparison
		bool operator!=(sentinel) const noexcept
		{
			return !stream_->is_over_;
		}
#endif

	private:
		stream *stream_;
	};

	explicit stream(From *from) noexcept : from_(from)
	{
	}

	iterator begin()
	{
		next();
		return iterator(this);
	}

	sentinel end() const noexcept
	{
		return {};
	}

private:
	void next()
	{
		item_ = Item();
		item_ = from_->next(forever);
		is_over_ = !item_;
	}

	From *from_;
	Item item_;
	bool is_over_ = false;
};

} // namespace detail

/* Receives from a queue or, with MEMPOOL_CHANNEL_WORK among the flags, from work. */
template <class T = std::byte> class receiver : public channel
{
public:
	using stream = detail::stream<receiver, block<T>>;

	receiver() noexcept = default;

	receiver(pool<T> &pool, std::uint32_t number, unsigned flags = 0)
	{
		detail::need(open(pool.native(), number, flags | MEMPOOL_CHANNEL_RECEIVE));
	}

	receiver(pool<T> &pool, std::uint32_t number, unsigned flags,
		 std::error_code &code) noexcept
	{
		detail::tell(open(pool.native(), number, flags | MEMPOOL_CHANNEL_RECEIVE), code);
	}

	block<T> receive(timeout time = forever)
	{
		return {detail::need(ask(time)), pool_};
	}

	block<T> try_receive(timeout time = at_once)
	{
		return {detail::want(ask(time)), pool_};
	}

	block<T> receive(timeout time, std::error_code &code) noexcept
	{
		return {detail::tell(ask(time), code), pool_};
	}

	/*
	 * Adds blocks to the batch, as many as there are and it has room for, and waits only while
	 * there is none. Returns how many.
	 */
	template <std::size_t N> std::size_t receive(batch<T, N> &to, timeout time = forever)
	{
		return to.add(detail::need(ask(to, time)));
	}

	template <std::size_t N> std::size_t try_receive(batch<T, N> &to, timeout time = at_once)
	{
		return to.add(detail::want(ask(to, time)));
	}

	template <std::size_t N>
	std::size_t receive(batch<T, N> &to, timeout time, std::error_code &code) noexcept
	{
		return to.add(detail::tell(ask(to, time), code));
	}

	/*
	 * For range loops, with block<T> & in each turn: `for (auto &block : receiver.blocks())`.
	 * The receiver has a name, as the loop would not keep a temporary one.
	 */
	stream blocks() &noexcept
	{
		return stream(this);
	}

private:
	friend stream;

	void *ask(timeout time) noexcept
	{
		return mempool_channel_receive(native(), time.ms());
	}

	template <std::size_t N> ssize_t ask(batch<T, N> &to, timeout time) noexcept
	{
		assert(to.pool_ == pool_);
		return mempool_channel_receive_bulk(native(), to.free_places(), to.n_free(),
						    time.ms());
	}

	block<T> next(timeout time)
	{
		return try_receive(time);
	}
};

/* A block that was borrowed, to be read; it is returned at the end of its owner's life. */
template <class T = std::byte> class loan : public detail::place<const T>
{
public:
	constexpr loan() noexcept = default;

	loan(loan &&other) noexcept
	    : detail::place<const T>(other.take(), other.pool_), channel_(other.channel_)
	{
	}

	loan &operator=(loan &&other) noexcept
	{
		loan(std::move(other)).swap(*this);
		return *this;
	}

	MEMPOOLS_HOT ~loan()
	{
		if (this->at_ != nullptr) {
			mempool_channel_return(channel_, this->at_);
		}
	}

	/* Returns the block, and says whether that was refused; then the owner still has it. */
	void put()
	{
		detail::need(mempool_channel_return(channel_, this->at_));
		this->take();
	}

	bool put(std::error_code &code) noexcept
	{
		if (detail::tell(mempool_channel_return(channel_, this->at_), code) < 0) {
			return false;
		}
		this->take();
		return true;
	}

	void swap(loan &other) noexcept
	{
		std::swap(this->at_, other.at_);
		std::swap(this->pool_, other.pool_);
		std::swap(channel_, other.channel_);
	}

private:
	friend class subscriber<T>;

	loan(const void *at, ::mempool *pool, ::mempool_channel *channel) noexcept
	    : detail::place<const T>(static_cast<const T *>(at), pool), channel_(channel)
	{
	}

	::mempool_channel *channel_ = nullptr;
};

/* Subscribes to a broadcast; with MEMPOOL_CHANNEL_LOSSY it loses blocks and nobody waits for it. */
template <class T = std::byte> class subscriber : public channel
{
public:
	using stream = detail::stream<subscriber, loan<T>>;

	subscriber() noexcept = default;

	subscriber(pool<T> &pool, std::uint32_t number, unsigned flags = 0)
	{
		detail::need(open(pool.native(), number, flags | all_flags));
	}

	subscriber(pool<T> &pool, std::uint32_t number, unsigned flags,
		   std::error_code &code) noexcept
	{
		detail::tell(open(pool.native(), number, flags | all_flags), code);
	}

	loan<T> borrow(timeout time = forever)
	{
		return {detail::need(ask(time)), pool_, native()};
	}

	loan<T> try_borrow(timeout time = at_once)
	{
		return {detail::want(ask(time)), pool_, native()};
	}

	loan<T> borrow(timeout time, std::error_code &code) noexcept
	{
		return {detail::tell(ask(time), code), pool_, native()};
	}

	/*
	 * Makes a loan of this subscriber's a block of this process's own, if nobody else has the
	 * block or is to get it: else EBUSY, and the loan stays as it is.
	 */
	block<T> own(loan<T> &&borrowed)
	{
		return owned(borrowed, detail::need(ask_own(borrowed)));
	}

	block<T> try_own(loan<T> &&borrowed)
	{
		return owned(borrowed, detail::want(ask_own(borrowed)));
	}

	block<T> own(loan<T> &&borrowed, std::error_code &code) noexcept
	{
		return owned(borrowed, detail::tell(ask_own(borrowed), code));
	}

	/* For range loops, with loan<T> & in each turn: `for (auto &loan : subscriber.loans())` */
	stream loans() &noexcept
	{
		return stream(this);
	}

private:
	friend stream;

	static constexpr unsigned all_flags = MEMPOOL_CHANNEL_RECEIVE | MEMPOOL_CHANNEL_BROADCAST;

	const void *ask(timeout time) noexcept
	{
		return mempool_channel_borrow(native(), time.ms());
	}

	void *ask_own(const loan<T> &borrowed) noexcept
	{
		return mempool_channel_own(native(), borrowed.get());
	}

	block<T> owned(loan<T> &borrowed, void *block) noexcept
	{
		if (block != nullptr) {
			borrowed.take();
		}
		return {block, pool_};
	}

	loan<T> next(timeout time)
	{
		return try_borrow(time);
	}
};

} // namespace mempools

#endif
