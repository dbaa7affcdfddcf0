/** An author's initial on the author's colour. It is decoration, since the name is shown next to it. */
export function Avatar({ name }: { name: string }) {
  const [initial = '?'] = name // by code points, so that an emoji is not split
  return (
    <span className="avatar" aria-hidden="true" style={{ '--hue': hueOf(name) }}>
      {initial.toUpperCase()}
    </span>
  )
}

/** The hue of a name: always the same, and different for similar names. */
function hueOf(name: string): number {
  let hash = 0
  for (const character of name) hash = (hash * 31 + (character.codePointAt(0) ?? 0)) >>> 0
  return hash % 360
}
