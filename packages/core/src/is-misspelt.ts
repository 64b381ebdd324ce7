/** Shorter names than this are like too many others. */
const shortestName = 6

/** Tells whether a name must have been meant to be another one: it differs in its case, or by one letter. */
export function isMisspelt(name: string, meant: string): boolean {
  if (name === meant || meant.length < shortestName) return false
  const [shorter, longer] = [name.toLowerCase(), meant.toLowerCase()].toSorted((a, b) => a.length - b.length)
  if (shorter === undefined || longer === undefined || longer.length - shorter.length > 1) return false
  let same = 0
  while (same < shorter.length && shorter[same] === longer[same]) same += 1
  // One letter too many or too few, a wrong one, or two that have changed places.
  const rest = longer.slice(same + 1)
  if (longer.length > shorter.length) return shorter.slice(same) === rest
  const isSwapped = shorter[same] === longer[same + 1] && shorter[same + 1] === longer[same]
  return shorter.slice(same + 1) === rest || (isSwapped && shorter.slice(same + 2) === longer.slice(same + 2))
}
