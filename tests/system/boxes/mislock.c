/* SPDX-License-Identifier: MIT */
/*
 * Why clients of another PID namespace may not take part in a pool: the kernel takes a lock from
 * its living owner, when a process that waits for the lock is killed that has the owner's number in
 * another namespace. This is a robust mutex as shards have it, and nothing else; if the last line
 * is ever different, then the refusal may be thought about anew.
 *
 *	owner, pid N here		namesake, pid N there
 *	locks				waits for the lock: the kernel is to look at it
 *					at its death
 *	                                SIGKILL. The kernel finds N in the lock, the
 *	                                number of who dies, and marks the lock
 *	is still inside			anybody's lock: EOWNERDEAD, come in
 *
 * usage: mislock NAMESAKE (the program of namesake.c)
 */
#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

struct shared {
	pthread_mutex_t mutex;
	_Atomic int waiting; /* 1: the namesake is about to wait */
};

static struct shared *map(int fd)
{
	return mmap(NULL, sizeof(struct shared), PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
}

static void lay(struct shared *shared)
{
	pthread_mutexattr_t attr;

	pthread_mutexattr_init(&attr);
	pthread_mutexattr_setpshared(&attr, PTHREAD_PROCESS_SHARED);
	pthread_mutexattr_setrobust(&attr, PTHREAD_MUTEX_ROBUST);
	pthread_mutex_init(&shared->mutex, &attr);
}

/* The namesake: waits for the lock until it is killed. */
static int wait_for_lock(int fd)
{
	struct shared *shared = map(fd);

	atomic_store(&shared->waiting, 1);
	pthread_mutex_lock(&shared->mutex);
	return 0;
}

/* Whether a waiter has noted in the lock that it sleeps. */
static bool is_waited_for(const struct shared *shared)
{
	return *(const volatile int *)&shared->mutex.__data.__lock & 0x80000000;
}

/* Starts the process @number of another namespace, and waits until it sleeps on the lock. */
static pid_t start_waiter(const char *namesake, const char *self, int fd, struct shared *shared,
			  pid_t number)
{
	char n[16], descriptor[16];
	pid_t child;

	snprintf(n, sizeof n, "%d", (int)number);
	snprintf(descriptor, sizeof descriptor, "%d", fd);
	child = fork();
	if (child == 0) {
		execl(namesake, namesake, n, self, "wait", descriptor, NULL);
		_exit(127);
	}
	while (!atomic_load(&shared->waiting) || !is_waited_for(shared)) {
		nanosleep(&(struct timespec){.tv_nsec = 1000000}, NULL);
		if (waitpid(child, NULL, WNOHANG) == child) {
			exit(77);
		}
	}
	return child;
}

/* What another process is told that tries the lock, which this one has. */
static int try_elsewhere(struct shared *shared)
{
	int status;
	pid_t child = fork();

	if (child == 0) {
		_exit(pthread_mutex_trylock(&shared->mutex));
	}
	waitpid(child, &status, 0);
	return WEXITSTATUS(status);
}

/* What is told of our lock after the death of a waiter that has that number there. */
static int told_after_death(const char *namesake, const char *self, pid_t number)
{
	int fd = memfd_create("mislock", 0), alive[2];
	struct shared *shared;
	pid_t waiter;
	char byte;

	if (fd < 0 || ftruncate(fd, sizeof *shared) != 0 || (shared = map(fd)) == MAP_FAILED ||
	    pipe(alive) != 0) {
		exit(77);
	}
	lay(shared);
	pthread_mutex_lock(&shared->mutex);
	waiter = start_waiter(namesake, self, fd, shared, number);
	close(alive[1]);
	kill(waiter, SIGTERM);          /* then it is killed */
	if (read(alive[0], &byte, 1)) { /* 0: nobody has the other end any more */
		exit(1);
	}
	waitpid(waiter, NULL, 0);
	return try_elsewhere(shared);
}

int main(int argc, char **argv)
{
	int of_another, of_namesake;

	if (argc == 3 && !strcmp(argv[1], "wait")) {
		return wait_for_lock(atoi(argv[2]));
	}
	if (argc != 2) {
		return 2;
	}
	alarm(20);
	of_another = told_after_death(argv[1], argv[0], getpid() + 1);
	of_namesake = told_after_death(argv[1], argv[0], getpid());
	printf("a waiter with another number dies: %s\n", strerror(of_another));
	printf("a namesake dies: %s\n", strerror(of_namesake));
	return of_another == EBUSY && of_namesake == EOWNERDEAD ? 0 : 1;
}
