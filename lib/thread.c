/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <limits.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "lib/handle.h"
#include "lib/thread.h"

#define LOOK 8 /* parts that are looked at when one is made */

/* What threads that have no part look at. Never written. */
static struct thread nothing;

__thread struct thread *thread_self = &nothing;
__thread bool thread_lacks_part;

static pthread_key_t key;
static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool has_key;

/* Gives back what the thread has in every pool, and takes its part off the list; with the mutex. */
static void thread_finish(struct process *process, struct thread *thread)
{
	for (struct mempool *pool = process->pools; pool; pool = pool->next) {
		struct mp_local *local = &thread->locals[pool->place];
		if (local->handle == pool->tag) {
			mp_local_finish(&pool->core, local);
		}
	}
	if (process->look == thread) {
		process->look = thread->next;
	}
	*thread->link = thread->next;
	if (thread->next) {
		thread->next->link = thread->link;
	}
}

/*
 * At the thread's exit. The destructors of others may call us again. The C library gives a new
 * thread the stack of a vanished one, and with it the pointer to that one's part.
 */
static void thread_exit(void *part)
{
	struct thread *thread = thread_self;
	struct process *process = process_get();
	struct calm calm;

	if (part != thread) {
		return; /* a vanished thread's, which may have been unmapped */
	}
	calm_begin(&calm);
	if (thread->epoch == process_epoch()) {
		pthread_mutex_lock(&process->mutex);
		thread_finish(process, thread);
		pthread_mutex_unlock(&process->mutex);
	}
	thread_self = &nothing;
	munmap(thread, sizeof *thread);
	calm_end(&calm);
}

static void thread_make_key(void)
{
	has_key = pthread_key_create(&key, thread_exit) == 0;
}

/* Enters a zeroed part into the process's list. */
static void thread_join(struct thread *thread, struct process *process)
{
	thread->epoch = process_epoch();
	thread->pid = getpid();
	thread->tid = (pid_t)syscall(SYS_gettid);
	pthread_mutex_lock(&process->mutex);
	thread->next = process->threads;
	thread->link = &process->threads;
	if (thread->next) {
		thread->next->link = &thread->next;
	}
	process->threads = thread;
	pthread_mutex_unlock(&process->mutex);
}

/* ---- vanished threads ---- */

/* Whether the thread has vanished. @pid and @tid are the process and thread that ask. */
static bool thread_has_vanished(const struct thread *thread, pid_t pid, pid_t tid)
{
	if (thread->pid != pid || thread == thread_self) {
		return false;
	}
	if (thread->tid == tid) {
		return true; /* its number is ours now */
	}
	return syscall(SYS_tgkill, pid, thread->tid, 0) != 0 && errno == ESRCH;
}

/*
 * Finishes the vanished threads among the next @n parts from *@at on, and moves *@at behind those;
 * the mutex is held. Whether there were any.
 */
static bool thread_finish_listed(struct process *process, struct thread **at, unsigned n)
{
	pid_t pid = getpid(), tid = (pid_t)syscall(SYS_gettid);
	int error = errno;
	bool found = false;

	for (; *at && n > 0; n--) {
		struct thread *thread = *at;
		*at = thread->next;
		if (thread_has_vanished(thread, pid, tid)) {
			thread_finish(process, thread);
			munmap(thread, sizeof *thread);
			found = true;
		}
	}
	errno = error;
	return found;
}

/* Looks at a few parts, the next time at the next ones. Signals are blocked. */
static void thread_finish_some_vanished(struct process *process)
{
	pthread_mutex_lock(&process->mutex);
	if (!process->look) {
		process->look = process->threads;
	}
	thread_finish_listed(process, &process->look, LOOK);
	pthread_mutex_unlock(&process->mutex);
}

bool thread_finish_vanished(void)
{
	struct process *process = process_get();
	struct calm calm;

	if (!process) {
		return false;
	}
	calm_begin(&calm);
	pthread_mutex_lock(&process->mutex);
	struct thread *first = process->threads;
	bool found = thread_finish_listed(process, &first, UINT_MAX);
	pthread_mutex_unlock(&process->mutex);
	calm_end(&calm);
	return found;
}

/* ---- this thread's part ---- */

/* A part of this process for this thread; signals are blocked. */
static struct thread *thread_make(struct process *process)
{
	if (thread_self != &nothing) {
		if (thread_self->epoch == 0) {
			thread_join(thread_self, process); /* forked: the part was wiped */
		}
		return thread_self;
	}
	pthread_once(&once, thread_make_key);
	struct thread *thread = has_key ? process_map(sizeof *thread) : NULL;
	if (!thread) {
		return NULL;
	}
	if (pthread_setspecific(key, thread) != 0) {
		munmap(thread, sizeof *thread);
		return NULL;
	}
	thread_join(thread, process);
	thread_self = thread;
	thread_finish_some_vanished(process);
	return thread;
}

struct thread *thread_get(void)
{
	struct process *process;
	struct calm calm;

	if (thread_self->epoch != 0) {
		return thread_self;
	}
	process = process_get();
	if (!process) {
		thread_lacks_part = true;
		return NULL;
	}
	calm_begin(&calm);
	struct thread *thread = thread_make(process);
	calm_end(&calm);
	thread_lacks_part = !thread;
	return thread;
}
