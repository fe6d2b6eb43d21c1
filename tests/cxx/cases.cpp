/* SPDX-License-Identifier: MIT */
/*
 * cases: runs all cases of the program, each in a child that has a minute at most. $MEMPOOL_SOCKET
 * is of a daemon that has no pools.
 */
#include "cases.hpp"

#include <sys/wait.h>
#include <unistd.h>

std::vector<test_case> &cases()
{
	static std::vector<test_case> all;

	return all;
}

static bool passes(const test_case &tried)
{
	int status = 0;

	std::fflush(stdout);
	pid_t child = fork();
	if (child == 0) {
		alarm(60);
		try {
			tried.run();
		} catch (const std::exception &thrown) {
			std::printf("# thrown: %s\n", thrown.what());
			std::exit(1);
		}
		std::exit(0);
	}
	waitpid(child, &status, 0);
	if (WIFSIGNALED(status)) {
		std::printf("# killed by signal %d\n", WTERMSIG(status));
	}
	return WIFEXITED(status) && WEXITSTATUS(status) == 0;
}

int main()
{
	int n = 0, n_failed = 0;

	for (const test_case &tried : cases()) {
		const bool passed = passes(tried);
		n++;
		n_failed += !passed;
		std::printf("%s %d - %s\n", passed ? "ok" : "not ok", n, tried.name);
	}
	std::printf("1..%d\n", n);
	return n_failed > 0 || n < 20;
}
