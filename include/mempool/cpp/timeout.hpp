/* SPDX-License-Identifier: MIT */
/*
 * Times to wait, from std::chrono to the milliseconds of C's calls.
 */
#ifndef MEMPOOL_CPP_TIMEOUT_HPP
#define MEMPOOL_CPP_TIMEOUT_HPP

#include <chrono>
#include <climits>

namespace mempools
{

/*
 * How long a call may wait: a duration or a deadline of std::chrono, in whole milliseconds, rounded
 * up so that no wait ends early. Beyond 24 days it is for ever. What is left until a deadline is
 * computed once, when the timeout is made of it.
 */
class timeout
{
public:
	constexpr timeout() noexcept = default;

	template <class Rep, class Period>
	constexpr timeout(std::chrono::duration<Rep, Period> time) noexcept
	    : ms_(round_up(std::chrono::duration<double, std::milli>(time).count()))
	{
	}

	template <class Clock, class Duration>
	timeout(std::chrono::time_point<Clock, Duration> deadline)
	    : timeout(left(deadline.time_since_epoch(), Clock::now().time_since_epoch()))
	{
	}

	/* As C's calls take it: -1 is for ever. */
	constexpr int ms() const noexcept
	{
		return ms_;
	}

private:
	using rough = std::chrono::duration<double, std::milli>;

	/* Only if they are near each other do deadline - now, and its ticks, fit into integers. */
	template <class Deadline, class Now>
	static constexpr rough left(Deadline deadline, Now now) noexcept
	{
		const rough about = rough(deadline) - rough(now);
		const rough far = rough(INT_MAX);

		return about > -far && about < far ? rough(deadline - now) : about;
	}

	static constexpr int round_up(double ms) noexcept
	{
		if (!(ms > 0)) {
			return 0;
		}
		if (ms > INT_MAX - 1) {
			return -1;
		}
		int whole = static_cast<int>(ms);
		return whole < ms ? whole + 1 : whole;
	}

	int ms_ = -1;
};

inline constexpr timeout forever{};
inline constexpr timeout at_once{std::chrono::milliseconds(0)};

} // namespace mempools

#endif
