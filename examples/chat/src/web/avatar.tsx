/** An author's initial on a colour of their own. Only decoration: the name stands beside it. */
export function Avatar({ name }: { name: string }) {
  const [initial = '?'] = name // by code points, so that an emoji stays whole
  return (
    <span className="avatar" aria-hidden="true" style={{ '--hue': hueOf(name) }}>
      {initial.toUpperCase()}
    </span>
  )
}

/** The same for a name everywhere, and far apart for names that begin alike. */
function hueOf(name: string): number {
  let hash = 0
  for (const character of name) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0
  return hash % 360
}
