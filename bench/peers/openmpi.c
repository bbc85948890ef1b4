// The two tests over MPI, for bench/peers/openmpi.ts, which compiles it: pingpong TEST SIZE COUNT WARMUP CLIENT_CORE SERVER_CORE.
// Rank 0 asks and prints one line of JSON; a core of -1 leaves the process where it is.
#define _GNU_SOURCE
#include <mpi.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// Messages under way in the throughput test.
enum { WINDOW = 64 };

static int rank;

static void pin(int core) {
  if (core < 0) return;
  cpu_set_t set;
  CPU_ZERO(&set);
  CPU_SET(core, &set);
  if (sched_setaffinity(0, sizeof set, &set) != 0) perror("sched_setaffinity");
}

static int ascending(const void* a, const void* b) {
  const double x = *(const double*)a, y = *(const double*)b;
  return (x > y) - (x < y);
}

// By nearest rank, as everywhere in bench/.
static double percentile(const double* sorted, int count, double share) {
  int nth = (int)(share * count - 1e-9);
  return sorted[nth < count ? nth : count - 1];
}

static void round_trip(char* bytes, int size) {
  if (rank == 0) {
    MPI_Send(bytes, size, MPI_BYTE, 1, 0, MPI_COMM_WORLD);
    MPI_Recv(bytes, size, MPI_BYTE, 1, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
  } else {
    MPI_Recv(bytes, size, MPI_BYTE, 0, 0, MPI_COMM_WORLD, MPI_STATUS_IGNORE);
    MPI_Send(bytes, size, MPI_BYTE, 0, 0, MPI_COMM_WORLD);
  }
}

static void pingpong(char* bytes, int size, int count, int warmup) {
  double* samples = malloc(sizeof(double) * (size_t)count);
  if (samples == NULL) MPI_Abort(MPI_COMM_WORLD, 1);
  for (int i = 0; i < warmup; i++) round_trip(bytes, size);
  double sum = 0;
  for (int i = 0; i < count; i++) {
    const double from = MPI_Wtime();
    round_trip(bytes, size);
    samples[i] = (MPI_Wtime() - from) * 1e6;
    sum += samples[i];
  }
  if (rank == 0) {
    qsort(samples, (size_t)count, sizeof *samples, ascending);
    static const struct {
      const char* name;
      double share;
    } ranks[] = {{"p50", 0.5}, {"p90", 0.9}, {"p99", 0.99}, {"p999", 0.999}, {"p9999", 0.9999}};
    printf("{\"min\":%.3f,", samples[0]);
    for (size_t i = 0; i < sizeof ranks / sizeof *ranks; i++) {
      printf("\"%s\":%.3f,", ranks[i].name, percentile(samples, count, ranks[i].share));
    }
    printf("\"max\":%.3f,\"mean\":%.3f}\n", samples[count - 1], sum / count);
  }
  free(samples);
}

static void flood(char* bytes, int size, int count) {
  MPI_Request requests[WINDOW];
  for (int done = 0; done < count;) {
    int some = count - done < WINDOW ? count - done : WINDOW;
    for (int i = 0; i < some; i++) {
      if (rank == 0) MPI_Isend(bytes, size, MPI_BYTE, 1, 0, MPI_COMM_WORLD, &requests[i]);
      // All into one buffer: nobody reads it, and the cache is as kind to the others.
      else
        MPI_Irecv(bytes, size, MPI_BYTE, 0, 0, MPI_COMM_WORLD, &requests[i]);
    }
    MPI_Waitall(some, requests, MPI_STATUSES_IGNORE);
    done += some;
  }
  round_trip(bytes, 1);  // rank 1 answers when it has everything
}

static void throughput(char* bytes, int size, int count, int warmup) {
  flood(bytes, size, warmup);
  const double from = MPI_Wtime();
  flood(bytes, size, count);
  const double seconds = MPI_Wtime() - from;
  if (rank == 0) printf("{\"gbit_per_s\":%.4f}\n", 8e-9 * size * count / seconds);
}

int main(int argc, char** argv) {
  MPI_Init(&argc, &argv);
  MPI_Comm_rank(MPI_COMM_WORLD, &rank);
  if (argc != 7) {
    fprintf(stderr, "usage: %s TEST SIZE COUNT WARMUP CLIENT_CORE SERVER_CORE\n", argv[0]);
    MPI_Abort(MPI_COMM_WORLD, 2);
  }
  const int size = atoi(argv[2]), count = atoi(argv[3]), warmup = atoi(argv[4]);
  pin(atoi(argv[rank == 0 ? 5 : 6]));
  char* bytes = calloc((size_t)size + 1, 1);
  if (bytes == NULL) MPI_Abort(MPI_COMM_WORLD, 1);
  if (strcmp(argv[1], "pingpong") == 0)
    pingpong(bytes, size, count, warmup);
  else
    throughput(bytes, size, count, warmup);
  free(bytes);
  MPI_Finalize();
  return 0;
}
