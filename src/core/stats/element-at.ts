/** The element at `index`; throws a RangeError outside the list, so an indexing mistake never turns into a NaN. */
export function elementAt<Element>(values: ArrayLike<Element>, index: number): Element {
  const value = values[index]
  if (value === undefined) throw new RangeError(`No element ${index} in a list of ${values.length}`)
  return value
}
