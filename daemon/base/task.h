/* SPDX-License-Identifier: MIT */
/*
 * Tasks: work in steps, of which any number may be under way. The queue runs one step of each in
 * turn, and all of its tasks share one slice a turn of the loop: many tasks delay other callbacks
 * no longer than one does.
 */
#ifndef MP_DAEMON_TASK_H
#define MP_DAEMON_TASK_H

#include <event2/event_struct.h>
#include <stdbool.h>
#include <sys/queue.h>

struct loop;

struct task {
	/* Does one step. The queue removed the task before; to go on, the step adds it again. */
	void (*step)(void *owner);
	void *owner;
	bool waiting; /* for its turn */
	TAILQ_ENTRY(task) of_queue;
};

struct task_queue {
	struct loop *loop;
	TAILQ_HEAD(, task) tasks;
	struct event turn;
};

void task_queue_init(struct task_queue *queue, struct loop *loop);

/* Puts the task at the end of the queue, unless it waits there already. */
void task_add(struct task_queue *queue, struct task *task);

/* Does steps until none waits or the slice is over. */
void task_queue_run(struct task_queue *queue);

/* Takes the task off the queue, if it waits there. */
void task_remove(struct task_queue *queue, struct task *task);

#endif
