import { bodies, type Procedure, upTo } from './contestant.ts'

/** The routers of tRPC and Trunkline, which differ only in their subscriptions. */
export function procedureOf({ name, kind }: Procedure, subscription: string): string {
  const resolver = kind === 'subscription' ? subscription : `({ input }) => ${bodies[kind]}`
  return `  ${name}: t.procedure.input(${kind === 'mutation' ? 'draft' : 'key'}).${kind}(${resolver}),`
}

/** The root router of both. */
export function rootOf(routers: number): string {
  const imports = upTo(routers).map((index) => `import { router${index} } from './router-${index}.js'`)
  const members = upTo(routers).map((index) => `r${index}: router${index}`)
  return [
    `import { t } from './base.js'`,
    ...imports,
    `export const appRouter = t.router({ ${members.join(', ')} })`,
    'export type AppRouter = typeof appRouter',
    '',
  ].join('\n')
}

/** Uses each procedure and its answer once. */
export function usesOf(routers: number, procedures: readonly Procedure[]): string {
  return upTo(routers)
    .flatMap((index) => procedures.map(({ name, kind }) => use[kind](`client.r${index}.${name}`)))
    .join('\n')
}

const use: Readonly<Record<Procedure['kind'], (procedure: string) => string>> = {
  query: (procedure) => `console.log((await ${procedure}.query({ room: '7' })).items[0]?.author.name.length)`,
  mutation: (procedure) => `console.log((await ${procedure}.mutate({ room: '7', text: 'hi' })).id.length)`,
  subscription: (procedure) =>
    `${procedure}.subscribe({ room: '7' }, { onData: ({ id, data }) => console.log(id.length, data.text.length) })`,
}
