/* Preloaded, makes each sync of a file take 5 ms longer, as on a disk that is slow at it. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <time.h>

static void wait_5_ms(void) {
  struct timespec time = {0, 5 * 1000 * 1000};
  nanosleep(&time, 0);
}

int fsync(int file) {
  int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fsync");
  wait_5_ms();
  return next(file);
}

int fdatasync(int file) {
  int (*next)(int) = (int (*)(int))dlsym(RTLD_NEXT, "fdatasync");
  wait_5_ms();
  return next(file);
}
