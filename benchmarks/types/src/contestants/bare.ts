import { bodies, type Contestant, type Procedure, schemasOf, upTo } from './contestant.ts'

/** The same schemas and bodies as plain functions with direct calls, to measure zod and the compiler alone. */
export const bare: Contestant = {
  id: 'bare',
  name: 'bare functions over the same schemas (control)',
  base: 'export {}\n',
  router: (index, procedures) => `import * as z from 'zod'
${schemasOf(index)}
declare function listen(room: string): AsyncIterable<z.infer<typeof event>>
export const router${index} = {
${procedures.map(memberOf).join('\n')}
}
`,
  root: (routers) =>
    upTo(routers)
      .map((index) => `export { router${index} as r${index} } from './router-${index}.js'`)
      .join('\n'),
  client: (routers, procedures) => `import * as client from './root.js'
${upTo(routers)
  .flatMap((index) => procedures.map(({ name, kind }) => use[kind](`client.r${index}.${name}`)))
  .join('\n')}
`,
}

function memberOf({ name, kind }: Procedure): string {
  if (kind === 'subscription')
    return `  async *${name}(input: z.infer<typeof key>) { for await (const event of listen(input.room)) if (event.type === 'posted') yield { id: event.id, data: event as Posted } },`
  const input = kind === 'mutation' ? 'draft' : 'key'
  return `  ${name}: async (input: z.infer<typeof ${input}>) => ${bodies[kind]},`
}

const use: Readonly<Record<Procedure['kind'], (procedure: string) => string>> = {
  query: (procedure) => `console.log((await ${procedure}({ room: '7' })).items[0]?.author.name.length)`,
  mutation: (procedure) => `console.log((await ${procedure}({ room: '7', text: 'hi' })).id.length)`,
  subscription: (procedure) =>
    `for await (const { id, data } of ${procedure}({ room: '7' })) console.log(id.length, data.text.length)`,
}
