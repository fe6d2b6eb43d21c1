/* SPDX-License-Identifier: MIT */
#include <event2/event.h>

#include "daemon/base/loop.h"
#include "daemon/base/task.h"

void task_queue_run(struct task_queue *queue)
{
	while (!TAILQ_EMPTY(&queue->tasks) && !slice_over(&queue->loop->slice)) {
		struct task *task = TAILQ_FIRST(&queue->tasks);
		task_remove(queue, task);
		task->step(task->owner);
	}
}

static void task_on_turn(evutil_socket_t fd, short what, void *arg)
{
	struct task_queue *queue = arg;

	(void)fd;
	(void)what;
	slice_begin(&queue->loop->slice);
	task_queue_run(queue);
	if (!TAILQ_EMPTY(&queue->tasks)) {
		evtimer_add(&queue->turn, &(struct timeval){0});
	}
	slice_end(&queue->loop->slice);
}

void task_queue_init(struct task_queue *queue, struct loop *loop)
{
	queue->loop = loop;
	TAILQ_INIT(&queue->tasks);
	evtimer_assign(&queue->turn, loop->base, task_on_turn, queue);
}

void task_add(struct task_queue *queue, struct task *task)
{
	if (task->waiting) {
		return;
	}
	if (TAILQ_EMPTY(&queue->tasks)) {
		evtimer_add(&queue->turn, &(struct timeval){0});
	}
	task->waiting = true;
	TAILQ_INSERT_TAIL(&queue->tasks, task, of_queue);
}

void task_remove(struct task_queue *queue, struct task *task)
{
	if (!task->waiting) {
		return;
	}
	task->waiting = false;
	TAILQ_REMOVE(&queue->tasks, task, of_queue);
	if (TAILQ_EMPTY(&queue->tasks)) {
		evtimer_del(&queue->turn);
	}
}
