/* SPDX-License-Identifier: MIT */
/*
 * Waiting in Python: the GIL is free, and ^C works.
 *
 * A wait is cut into slices, and between two of them Python runs the handlers of signals that have
 * come. A slice, and not EINTR, is what makes that certain: the kernel may hand a signal to another
 * thread, or just before the thread sleeps, and then no sleep ends. Where a handle's own waits can
 * be ended by EINTR, they are, and ^C is heard at once. A pool's are not, as MEMPOOL_EINTR would
 * hold for all of the process that have the same pool open, in C, too.
 */
#include <errno.h>
#include <math.h>
#include <time.h>

#include "module.h"

#define SLICE_NS 100000000 /* how late ^C may be */

static int64_t now_ns(void)
{
	struct timespec now;

	clock_gettime(CLOCK_MONOTONIC, &now);
	return (int64_t)now.tv_sec * 1000000000 + now.tv_nsec;
}

int read_timeout(PyObject *timeout, void *ns)
{
	double seconds = timeout == Py_None ? INFINITY : PyFloat_AsDouble(timeout);

	if (seconds == -1.0 && PyErr_Occurred()) {
		return false;
	}
	if (!(seconds >= 0)) {
		PyErr_SetString(PyExc_ValueError, "timeout must be None, for as long as it takes, "
						  "or seconds, from 0 on");
		return false;
	}
	*(int64_t *)ns = seconds < 1e9 ? (int64_t)ceil(seconds * 1e9) : FOREVER_NS;
	return true;
}

/* Whether the call that ended so may find something if it is made again. */
static bool is_nothing_yet(int error)
{
	return error == EAGAIN || error == ENOMEM || error == ETIMEDOUT || error == EINTR;
}

/* Waits for one slice, or less where the deadline comes before. */
static int wait_slice(wait_call *call, void *data, int64_t left_ns)
{
	int64_t slice_ns = left_ns < SLICE_NS ? left_ns : SLICE_NS;
	int error;

	Py_BEGIN_ALLOW_THREADS error = call(data, (int)((slice_ns + 999999) / 1000000));
	Py_END_ALLOW_THREADS return error;
}

/* Waits until @end_ns, after a first try that said @error. */
static int wait_until(wait_call *call, void *data, int error, int64_t end_ns)
{
	int64_t left_ns = end_ns == FOREVER_NS ? FOREVER_NS : end_ns - now_ns();

	while (is_nothing_yet(error) && left_ns > 0) {
		if (PyErr_CheckSignals() < 0) {
			return -1;
		}
		error = wait_slice(call, data, left_ns);
		left_ns = end_ns == FOREVER_NS ? FOREVER_NS : end_ns - now_ns();
	}
	return is_nothing_yet(error) ? ETIMEDOUT : error;
}

int wait_for(wait_call *call, void *data, int64_t timeout_ns, unsigned *n_inside)
{
	int error = call(data, 0);
	if (timeout_ns > 0 && is_nothing_yet(error)) {
		++*n_inside; /* a handler in Python, too, finds it busy */
		error = wait_until(call, data, error,
				   timeout_ns == FOREVER_NS ? FOREVER_NS : now_ns() + timeout_ns);
		--*n_inside;
	}
	return error;
}
