/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "tests/bench/figures.h"

static int compare(const void *a, const void *b)
{
	double x = *(const double *)a;
	double y = *(const double *)b;
	return (x > y) - (x < y);
}

double figures_median(const double *figures, unsigned n)
{
	double sorted[FIGURES_MAX];

	memcpy(sorted, figures, n * sizeof *sorted);
	qsort(sorted, n, sizeof *sorted, compare);
	if (n == 0 || sorted[0] == 0) {
		return 0;
	}
	return n % 2 != 0 ? sorted[n / 2] : (sorted[n / 2 - 1] + sorted[n / 2]) / 2;
}

double figures_spread(const double *figures, unsigned n)
{
	double distance[FIGURES_MAX];
	double middle = figures_median(figures, n);

	for (unsigned i = 0; i < n; i++) {
		double d = figures[i] - middle;
		distance[i] = (d < 0 ? -d : d) + 1e-9;
	}
	return middle == 0 ? 0 : 100 * figures_median(distance, n) / middle;
}

double figures_ratio(const double *ours, const double *theirs, unsigned n)
{
	double ratios[FIGURES_MAX];

	for (unsigned i = 0; i < n; i++) {
		ratios[i] = theirs[i] > 0 ? ours[i] / theirs[i] : 0;
	}
	return figures_median(ratios, n);
}
