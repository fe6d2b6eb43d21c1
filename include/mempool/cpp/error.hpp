/* SPDX-License-Identifier: MIT */
/*
 * How calls of C++ fail: three forms of each, over what C's calls return. What a caller has to know
 * stands in <mempool/mempool.hpp>.
 */
#ifndef MEMPOOL_CPP_ERROR_HPP
#define MEMPOOL_CPP_ERROR_HPP

#include <mempool/mempool.h>

#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <system_error>

namespace mempools
{

/* The category of all codes of this header; its values are those of errno. */
inline const std::error_category &category() noexcept;

namespace detail
{

/* This thread's last failure of a call of this header. */
struct failure {
	int error;
	char sentence[320]; /* empty while it is libmempool's last one */
};
inline thread_local failure last_failure{};

class category final : public std::error_category
{
public:
	const char *name() const noexcept override
	{
		return "mempool";
	}

	std::string message(int error) const override
	{
		if (error != last_failure.error || error == 0) {
			return std::generic_category().message(error);
		}
		return last_failure.sentence[0] ? last_failure.sentence : mempool_errmsg();
	}

	std::error_condition default_error_condition(int error) const noexcept override
	{
		return {error, std::generic_category()};
	}
};

/*
 * Failing is the rare case: what it takes is kept out of the way of what does not fail. What gives
 * back is part of its caller, also where an exception passes: else owners would be in memory.
 */
#define MEMPOOLS_COLD __attribute__((noinline, cold))
#define MEMPOOLS_HOT __attribute__((always_inline)) inline

MEMPOOLS_COLD inline std::error_code note(int error) noexcept
{
	last_failure.error = error;
	last_failure.sentence[0] = '\0';
	return {error, mempools::category()};
}

/* For destructors, before they call what may fail: its sentence would take this one's place. */
inline void keep_sentence() noexcept
{
	if (last_failure.error != 0 && last_failure.sentence[0] == '\0') {
		std::snprintf(last_failure.sentence, sizeof(last_failure.sentence), "%s",
			      mempool_errmsg());
	}
}

template <class... Values>
MEMPOOLS_COLD std::error_code note_own(int error, const char *format, Values... values) noexcept
{
	last_failure.error = error;
	std::snprintf(last_failure.sentence, sizeof(last_failure.sentence), format, values...);
	return {error, mempools::category()};
}

[[noreturn]] MEMPOOLS_COLD inline void raise(std::error_code code)
{
#ifdef __cpp_exceptions
	throw std::system_error(code);
#else
	std::fprintf(stderr, "%s\n", code.message().c_str());
	std::abort();
#endif
}

/* What a caller of try_x() has to expect, and what x() and x(code) report like any failure. */
inline bool is_outcome(int error) noexcept
{
	switch (error) {
	case EAGAIN:    /* nothing there, and no wait */
	case ETIMEDOUT: /* nothing came */
	case ENOMEM:    /* no block is free */
	case ENOTCONN:  /* nobody subscribes */
	case EPIPE:     /* the end of the stream */
	case ECANCELED: /* the wait was cancelled, */
	case EINTR:     /* or a signal handler ran */
	case ESTALE:    /* another has taken the gift */
	case EBUSY:     /* another has borrowed the block */
		return true;
	default:
		return false;
	}
}

MEMPOOLS_COLD inline void note_outcome(int error)
{
	std::error_code code = note(error);

	if (!is_outcome(error)) {
		raise(code);
	}
}

/* The three forms, of what returns a number: negative is a failure. */
template <class N> N need(N result)
{
	if (__builtin_expect(result < 0, 0)) {
		raise(note(static_cast<int>(-result)));
	}
	return result;
}

template <class N> N want(N result)
{
	if (__builtin_expect(result < 0, 0)) {
		note_outcome(static_cast<int>(-result));
	}
	return result;
}

template <class N> N tell(N result, std::error_code &code) noexcept
{
	if (__builtin_expect(result < 0, 0)) {
		code = note(static_cast<int>(-result));
	} else {
		code.clear();
	}
	return result;
}

/* The same of what returns a pointer, or NULL and errno. */
template <class P> P *need(P *result)
{
	if (__builtin_expect(result == nullptr, 0)) {
		raise(note(errno));
	}
	return result;
}

template <class P> P *want(P *result)
{
	if (__builtin_expect(result == nullptr, 0)) {
		note_outcome(errno);
	}
	return result;
}

template <class P> P *tell(P *result, std::error_code &code) noexcept
{
	if (__builtin_expect(result == nullptr, 0)) {
		code = note(errno);
	} else {
		code.clear();
	}
	return result;
}

/* And of tokens, of which zero is none. */
inline mempool_token need(mempool_token token)
{
	if (__builtin_expect(token.v == 0, 0)) {
		raise(note(errno));
	}
	return token;
}

inline mempool_token tell(mempool_token token, std::error_code &code) noexcept
{
	if (__builtin_expect(token.v == 0, 0)) {
		code = note(errno);
	} else {
		code.clear();
	}
	return token;
}

/* Of a call that reports by code within one that throws. */
inline void need(const std::error_code &code)
{
	if (code) {
		raise(code);
	}
}

/* C's calls take what they only pass on as void *. */
inline void *raw(const void *block) noexcept
{
	return const_cast<void *>(block);
}

} // namespace detail

inline const std::error_category &category() noexcept
{
	static const detail::category instance;

	return instance;
}

/* This thread's last failure of a call of this header, the outcomes of try_x() included. */
inline std::error_code last_error() noexcept
{
	return {detail::last_failure.error, category()};
}

} // namespace mempools

#endif
