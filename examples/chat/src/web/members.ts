/** A person in the room, with all tabs and devices. */
export interface Member {
  readonly member: string
  readonly name: string
  readonly away: boolean
}

/** The members of the room, by member id. */
export type Members = ReadonlyMap<string, Member>

type Data = Pick<Member, 'name' | 'away'>

/** The events of the presence subscription. */
export type MembersEvent =
  | { readonly type: 'here'; readonly members: readonly { readonly member: string; readonly data: Data }[] }
  | { readonly type: 'join' | 'update'; readonly member: string; readonly data: Data }
  | { readonly type: 'leave'; readonly member: string }

export const noMembers: Members = new Map()

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

/** The data of the person with this name in an event. In this chat, a name identifies a person. */
export function findNamed(event: MembersEvent, name: string): Data | undefined {
  if (event.type === 'leave') return undefined
  const entries = event.type === 'here' ? event.members : [event]
  return entries.find(({ data }) => data.name === name)?.data
}

/** Sorts present members before members who are away, each by name. */
export function inOrder(members: Members): readonly Member[] {
  const rank = ({ away }: Member) => (away ? 1 : 0)
  return [...members.values()].sort((a, b) => rank(a) - rank(b) || a.name.localeCompare(b.name))
}
