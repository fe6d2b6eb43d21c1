/* SPDX-License-Identifier: MIT */
/*
 * The stage's clock. While it is held, time passes only when somebody sleeps, who wakes at the end
 * of his sleep; so one who waits executes the same instructions each time. It takes the place of
 * clock_gettime() and mp_futex_wait() in what is linked with --wrap, see meson.build.
 */
#ifndef TESTS_CRASH_CLOCK_H
#define TESTS_CRASH_CLOCK_H

/* Holds the clock in this process. @meanwhile happens during each sleep. */
void clock_hold(void (*meanwhile)(void *arg), void *arg);

/* Lets so much time pass. */
void clock_pass(long seconds);

#endif
