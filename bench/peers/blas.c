// A peer: the same update as tandem's, as a careful C programmer writes it on
// CBLAS, with the rest left to the compiler's vectoriser. (OpenMP for the rest was
// slower: its threads and those of the BLAS get in each other's way.)
//
//	cc -O3 -march=native -ffast-math blas.c -o blas -lopenblas -lm
//	OPENBLAS_NUM_THREADS=T ./blas IMAGES UPDATES ITERATIONS LAYER…
//
// IMAGES is a plain IDX file. It prints updates per second.
#include <cblas.h>
#include <math.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { maxLayers = 8, batch = 50 };

static const float rate = 1e-2f, alpha = 0.1f, gamma_ = 1, damping = 1e-3f;

static int top, units[maxLayers];                  // hidden layers; units of layer 0 … top
static float *W[maxLayers], *bias[maxLayers];      // W[l]: units[l-1] × units[l]
static float *data[maxLayers], *chain[maxLayers];  // batch × units[l]
static float mu[maxLayers];

static double seconds(void) {
	struct timespec t;
	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec + 1e-9 * t.tv_nsec;
}

static float *floats(size_t n) {
	float *p = aligned_alloc(64, (n * sizeof *p + 63) / 64 * 64);
	if (!p) {
		fprintf(stderr, "blas: out of memory\n");
		exit(1);
	}
	memset(p, 0, n * sizeof *p);
	return p;
}

// fill sets every row of x to the bias of layer l.
static void fill(float *x, int l) {
	for (int r = 0; r < batch; r++)
		memcpy(x + (size_t)r * units[l], bias[l], sizeof(float) * units[l]);
}

// below adds y·W_l, y being rows of layer l-1.
static void below(float *x, const float *y, int l) {
	cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasNoTrans, batch, units[l], units[l - 1], 1, y, units[l - 1], W[l], units[l], 1, x, units[l]);
}

// above adds y·W_{l+1}ᵀ, y being rows of layer l+1.
static void above(float *x, const float *y, int l) {
	cblas_sgemm(CblasRowMajor, CblasNoTrans, CblasTrans, batch, units[l], units[l + 1], 1, y, units[l + 1], W[l + 1], units[l + 1], 1, x, units[l]);
}

static void sigmoid(float *x, int n) {
	for (int i = 0; i < n; i++)
		x[i] = 1 / (1 + expf(-x[i]));
}

// sample makes each of x 1 with probability σ(x), by sixteen xorshift generators.
static void sample(float *x, int n) {
	static uint32_t state[16];
	if (!state[0])
		for (int j = 0; j < 16; j++)
			state[j] = 2654435769u * (j + 1);
	for (int i = 0; i < n; i += 16) {
		for (int j = 0; j < 16; j++) {
			state[j] ^= state[j] << 13;
			state[j] ^= state[j] >> 17;
			state[j] ^= state[j] << 5;
		}
		for (int j = 0; j < 16 && i + j < n; j++)
			x[i + j] = (state[j] >> 8) * 0x1p-24f < 1 / (1 + expf(-x[i + j]));
	}
}

static void meanField(int iterations, float *fixed) {
	fill(fixed, 1);
	below(fixed, data[0], 1);
	for (int l = 1; l <= top; l++) {
		if (l == 1) {
			memcpy(data[1], fixed, sizeof(float) * batch * units[1]);
		} else {
			fill(data[l], l);
			below(data[l], data[l - 1], l);
		}
		sigmoid(data[l], batch * units[l]);
	}
	for (int i = 0; i < iterations && top > 1; i++)
		for (int l = 1; l <= top; l++) {
			if (l == 1) {
				memcpy(data[1], fixed, sizeof(float) * batch * units[1]);
			} else {
				fill(data[l], l);
				below(data[l], data[l - 1], l);
			}
			if (l < top)
				above(data[l], data[l + 1], l);
			sigmoid(data[l], batch * units[l]);
		}
}

static void sweep(void) {
	for (int parity = 1; parity >= 0; parity--)
		for (int l = parity; l <= top; l += 2) {
			fill(chain[l], l);
			if (l > 0)
				below(chain[l], chain[l - 1], l);
			if (l < top)
				above(chain[l], chain[l + 1], l);
			sample(chain[l], batch * units[l]);
		}
}

static void learn(float *norm) {
	float moved[maxLayers];
	for (int l = 1; l <= top; l++) {
		int k = units[l - 1], n = units[l];
		memset(norm, 0, sizeof(float) * n);
		for (int i = 0; i < k; i++)
			for (int j = 0; j < n; j++)
				norm[j] += W[l][(size_t)i * n + j] * W[l][(size_t)i * n + j];
		float deviation = 0;
		for (int j = 0; j < n; j++) {
			float r = sqrtf(norm[j]);
			deviation += r - mu[l];
			norm[j] = 1 - rate * 2 * alpha * (r - mu[l]) / fmaxf(r, 1e-8f);
		}
		for (int i = 0; i < k; i++)
			for (int j = 0; j < n; j++)
				W[l][(size_t)i * n + j] *= norm[j];
		cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, k, n, batch, rate / batch, data[l - 1], k, data[l], n, 1, W[l], n);
		cblas_sgemm(CblasRowMajor, CblasTrans, CblasNoTrans, k, n, batch, -rate / batch, chain[l - 1], k, chain[l], n, 1, W[l], n);
		moved[l] = 2 * alpha * deviation;
		if (l > 1)
			moved[l] -= 2 * gamma_ * (mu[l] - mu[l - 1]);
		if (l < top)
			moved[l] -= 2 * gamma_ * (mu[l] - mu[l + 1]);
	}
	for (int l = 1; l <= top; l++)
		mu[l] += rate * damping * moved[l];
	for (int l = 0; l <= top; l++)
		for (int j = 0; j < units[l]; j++) {
			float sum = 0;
			for (int r = 0; r < batch; r++)
				sum += data[l][(size_t)r * units[l] + j] - chain[l][(size_t)r * units[l] + j];
			bias[l][j] += rate / batch * sum;
		}
}

static uint32_t word(const uint8_t *b) { return (uint32_t)b[0] << 24 | b[1] << 16 | b[2] << 8 | b[3]; }

int main(int argc, char **argv) {
	if (argc < 6 || argc > 4 + maxLayers) {
		fprintf(stderr, "usage: blas IMAGES UPDATES ITERATIONS LAYER…\n");
		return 2;
	}
	int updates = atoi(argv[2]), iterations = atoi(argv[3]), widest = 0;
	top = argc - 5;
	for (int l = 0; l <= top; l++) {
		units[l] = atoi(argv[4 + l]);
		if (units[l] > widest)
			widest = units[l];
	}
	FILE *f = fopen(argv[1], "rb");
	uint8_t header[16];
	if (!f || fread(header, 1, 16, f) != 16 || word(header) != 0x803 || (int)(word(header + 8) * word(header + 12)) != units[0]) {
		fprintf(stderr, "blas: %s: no images of %d pixels\n", argv[1], units[0]);
		return 1;
	}
	int n = word(header + 4);
	float *images = floats((size_t)n * units[0]);
	for (size_t i = 0; i < (size_t)n * units[0]; i++)
		images[i] = fgetc(f) / 255.f;
	fclose(f);
	for (int l = 0; l <= top; l++) {
		bias[l] = floats(units[l]);
		data[l] = floats((size_t)batch * units[l]);
		chain[l] = floats((size_t)batch * units[l]);
		for (int i = 0; i < batch * units[l]; i++)
			chain[l][i] = rand() & 1;
		if (!l)
			continue;
		W[l] = floats((size_t)units[l - 1] * units[l]);
		for (size_t i = 0; i < (size_t)units[l - 1] * units[l]; i++)
			W[l][i] = 0.006f * (rand() / (float)RAND_MAX - 0.5f);
		mu[l] = 0.00173f * sqrtf(units[l - 1]);
	}
	float *fixed = floats((size_t)batch * units[1]), *norm = floats(widest);
	double begun = 0;
	for (int u = -30; u < updates; u++) {
		if (u == 0)
			begun = seconds();
		memcpy(data[0], images + (size_t)((u + 30) % (n / batch)) * batch * units[0], sizeof(float) * batch * units[0]);
		meanField(iterations, fixed);
		sweep();
		learn(norm);
	}
	printf("%.2f\n", updates / (seconds() - begun));
}
