import type { Item } from '../requests/items.ts'
import type { Key } from '../requests/keys.ts'
import type { Requests } from '../requests/requests.ts'

/**
 * A bounded set in one item: an attribute for each member, named `prefix` and its name, with the time (epoch
 * milliseconds) from which its place is free, and the attribute `count` with how many there are. The members are
 * attributes of the item itself, because an update cannot set a member of a map that does not exist yet.
 */
export interface PlaceAttributes {
  readonly prefix: string
  readonly count: string
}

/** A member of such a set. */
interface Place {
  readonly name: string
  readonly until: number
}

interface Take extends Place {
  readonly max: number
  readonly over: readonly Place[]
  readonly expires: number
}

type Taken = { readonly status: 'taken' } | { readonly status: 'refused'; readonly places: readonly Place[] }

/** Takes a place and removes those in `over`, if they are as given and fewer than `max` stay. */
export async function takePlace(
  { update }: Pick<Requests, 'update'>,
  { key, prefix, count }: PlaceAttributes & { readonly key: Key },
  { name, until, max, over, expires }: Take,
): Promise<Taken> {
  const own = over.find((overdue) => overdue.name === name)
  const rest = over.filter((place) => place !== own).map((place, at) => ({ ...place, word: `over${at}` }))
  const removes = rest.length === 0 ? '' : ` REMOVE ${rest.map(({ word }) => `#${word}`).join(', ')}`
  const write = await update(key, {
    expression: `SET #place = :until, #expires = :expires ADD #count :added${removes}`,
    condition: [
      '(attribute_not_exists(#count) OR #count < :most)',
      own === undefined ? 'attribute_not_exists(#place)' : '#place = :own',
      ...rest.map(({ word }) => `#${word} = :${word}`),
    ].join(' AND '),
    values: {
      ...{ until, expires, own: own?.until, added: 1 - over.length, most: max + over.length },
      ...Object.fromEntries(rest.map((place) => [place.word, place.until])),
    },
    attributes: {
      ...{ count, place: prefix + name },
      ...Object.fromEntries(rest.map((place) => [place.word, prefix + place.name])),
    },
  })
  if (write.written) return { status: 'taken' }
  const places = placesOf(await write.find(), prefix)
  const isOwn = write.tries > 1 && places.some((place) => place.name === name && place.until === until)
  return isOwn ? { status: 'taken' } : { status: 'refused', places }
}

/** Removes a place; changes nothing if it does not exist. */
export async function releasePlace(
  { update }: Pick<Requests, 'update'>,
  { key, prefix, count }: PlaceAttributes & { readonly key: Key },
  name: string,
): Promise<void> {
  await update(key, {
    expression: 'ADD #count :removed REMOVE #place',
    condition: 'attribute_exists(#place)',
    values: { removed: -1 },
    attributes: { count, place: prefix + name },
  })
}

/** The places of an item, in the order of their names. */
function placesOf(item: Item = {}, prefix: string): readonly Place[] {
  return Object.entries(item)
    .filter(([name]) => name.startsWith(prefix))
    .map(([name, until]) => ({ name: name.slice(prefix.length), until: Number(until) }))
    .sort((a, b) => (a.name < b.name ? -1 : 1))
}
