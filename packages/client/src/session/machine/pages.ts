import { utf8Bytes } from '@trunkline/protocol'

/** The items of one frame, and their texts joined by commas. */
export interface FramePage<T> {
  readonly items: readonly T[]
  readonly text: string
}

/**
 * Groups items into pages of at most `count` items and `maxBytes` UTF-8 bytes. An item that is larger gets a page of
 * its own.
 */
export function toPages<T extends { readonly text: string }>(
  items: readonly T[],
  { count, maxBytes }: { readonly count: number; readonly maxBytes: number },
): readonly FramePage<T>[] {
  const pages: { items: T[]; text: string; bytes: number }[] = []
  for (const item of items) {
    const bytes = utf8Bytes(item.text) + 1
    const page = pages.at(-1)
    if (page === undefined || page.items.length >= count || page.bytes + bytes > maxBytes)
      pages.push({ items: [item], text: item.text, bytes })
    else {
      page.items.push(item)
      page.text += `,${item.text}`
      page.bytes += bytes
    }
  }
  return pages
}
