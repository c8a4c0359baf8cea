/** Something that may be there already: a read that waits for nothing costs no turn of the queue. */
export type MaybePromise<T> = T | Promise<T>

/** `use(value)`, at once where the value is there, else when it comes. */
export function whenThere<T, U>(
  value: MaybePromise<T>,
  use: (value: T) => MaybePromise<U>,
): MaybePromise<U> {
  return value instanceof Promise ? value.then(use) : use(value)
}
