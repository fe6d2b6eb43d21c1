/* SPDX-License-Identifier: MIT */
/*
 * A suite's main: every unit test file is one suite about one noun, and names its cases after
 * promises.
 */
#ifndef TESTS_UNIT_SUITE_H
#define TESTS_UNIT_SUITE_H

#include <check.h>
#include <stdlib.h>

/* Runs the suite and prints TAP. */
#define SUITE(title, ...)                                                   \
	int main(void)                                                      \
	{                                                                   \
		const TTest *const cases[] = {__VA_ARGS__};                 \
		Suite *suite = suite_create(title);                         \
		for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) { \
			TCase *tcase = tcase_create(cases[i]->name);        \
			tcase_set_timeout(tcase, 100);                      \
			tcase_add_test(tcase, cases[i]);                    \
			suite_add_tcase(suite, tcase);                      \
		}                                                           \
		SRunner *runner = srunner_create(suite);                    \
		srunner_set_tap(runner, "-");                               \
		srunner_run_all(runner, CK_SILENT);                         \
		int failed = srunner_ntests_failed(runner);                 \
		srunner_free(runner);                                       \
		return failed ? EXIT_FAILURE : EXIT_SUCCESS;                \
	}

#endif
