import { mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Contestant, type Procedure, upTo } from './contestants/contestant.ts'

const perRouter = 10

/** The procedures of each router: four queries, four mutations, two subscriptions. */
const procedures: readonly Procedure[] = upTo(perRouter).map((index) => ({
  name: `p${index}`,
  kind: index < 4 ? 'query' : index < 8 ? 'mutation' : 'subscription',
}))

/** Writes an application of about `count` procedures in routers of ten. Returns its folder. */
export function writeProject(folder: string, contestant: Contestant, count: number): string {
  const routers = Math.ceil(count / perRouter)
  const target = join(folder, contestant.id)
  rmSync(target, { recursive: true, force: true })
  mkdirSync(target, { recursive: true })
  const write = (name: string, text: string) => writeFileSync(join(target, name), text)
  write('base.ts', contestant.base)
  for (const index of upTo(routers)) write(`router-${index}.ts`, contestant.router(index, procedures))
  write('root.ts', contestant.root(routers))
  write('client.ts', contestant.client(routers, procedures))
  write('package.json', '{ "type": "module" }')
  write('tsconfig.json', JSON.stringify({ compilerOptions, include: ['*.ts'] }))
  return target
}

/** The options of most applications. The compiler reads the packages' published declarations, not their sources. */
const compilerOptions = {
  target: 'es2022',
  lib: ['es2023', 'esnext.disposable', 'dom'],
  module: 'nodenext',
  moduleResolution: 'nodenext',
  strict: true,
  skipLibCheck: true,
  noEmit: true,
  types: [],
}
