/** Something that may be there already: a read that waits for nothing costs no turn of the queue. */
export type MaybePromise<T> = T | Promise<T>

/** `use(value)`, at once where the value is there, else when it comes. */
export function whenThere<T, U>(
  value: MaybePromise<T>,
  use: (value: T) => MaybePromise<U>,
): MaybePromise<U> {
  return value instanceof Promise ? value.then(use) : use(value)
}

/** The result of `work`, or of `mend` where `work` throws or rejects. */
export function whenFailed<T>(
  work: () => MaybePromise<T>,
  mend: (error: unknown) => MaybePromise<T>,
): MaybePromise<T> {
  try {
    const value = work()
    return value instanceof Promise ? value.catch(mend) : value
  } catch (error) {
    return mend(error)
  }
}
