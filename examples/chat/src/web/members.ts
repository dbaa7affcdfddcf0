/** Someone who is in the room, by all of their tabs and devices. */
export interface Member {
  readonly member: string
  readonly name: string
  readonly away: boolean
}

/** Who is in the room, by member. */
export type Members = ReadonlyMap<string, Member>

type Data = Pick<Member, 'name' | 'away'>

/** What the line tells of who is here. */
export type MembersEvent =
  | { readonly type: 'here'; readonly members: readonly { readonly member: string; readonly data: Data }[] }
  | { readonly type: 'join' | 'update'; readonly member: string; readonly data: Data }
  | { readonly type: 'leave'; readonly member: string }

export const nobodyHere: Members = new Map()

export function reduceMembers(members: Members, event: MembersEvent): Members {
  switch (event.type) {
    case 'here':
      return new Map(event.members.map(({ member, data }) => [member, { member, ...data }]))
    case 'join':
    case 'update':
      return new Map(members).set(event.member, { member: event.member, ...event.data })
    case 'leave':
      return new Map([...members].filter(([member]) => member !== event.member))
  }
}

/** What an event says of the person with a name; names are all that this chat knows people by. */
export function findNamed(event: MembersEvent, name: string): Data | undefined {
  if (event.type === 'leave') return undefined
  const told = event.type === 'here' ? event.members : [event]
  return told.find(({ data }) => data.name === name)?.data
}

/** Whoever is at the screen first, then whoever is away; by name within. */
export function inOrder(members: Members): readonly Member[] {
  const rank = ({ away }: Member) => (away ? 1 : 0)
  return [...members.values()].sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name))
}
