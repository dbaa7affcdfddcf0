import { execFile } from 'node:child_process'
import { copyFile, mkdtemp, readFile, rm, symlink } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import * as z from 'zod'
import { repository } from './repository.ts'

const resource = z.object({
  Type: z.string(),
  DependsOn: z.array(z.string()).default([]),
  Properties: z.record(z.string(), z.unknown()).default({}),
  DeletionPolicy: z.string().optional(),
  UpdateReplacePolicy: z.string().optional(),
  Condition: z.string().optional(),
})
const schema = z.object({
  Parameters: z.record(z.string(), z.unknown()).optional(),
  Conditions: z.record(z.string(), z.unknown()).optional(),
  Resources: z.record(z.string(), resource),
  Outputs: z.record(z.string(), z.object({ Value: z.unknown() })),
})

/** One resource of the generated template. */
export type Resource = z.infer<typeof resource>
/** A CloudFormation template. */
export type Template = z.infer<typeof schema>

let packaged: Promise<Template> | undefined

/** Packages `serverless.yml` once, as a deployment does, without an account or a network. Returns the template. */
export function packageTemplate(): Promise<Template> {
  packaged ??= createTemplate()
  return packaged
}

async function createTemplate(): Promise<Template> {
  return packageService(['node_modules', 'packages', 'examples'], async (folder) => {
    for (const name of ['package.json', 'serverless.yml']) await copyFile(join(repository, name), join(folder, name))
  })
}

/** Packages a service. `links` are folders of the repository in it, and `write` adds its own files. */
export async function packageService(links: readonly string[], write: Write): Promise<Template> {
  return inService(links, write, async (folder) => {
    await runServerless(folder, ['package', '--package', 'out'])
    return schema.parse(
      JSON.parse(await readFile(join(folder, 'out/cloudformation-template-update-stack.json'), 'utf8')),
    )
  })
}

/** What `osls info` prints about a deployed service, which it asks of the services of AWS at `endpoint`. */
export function describeService(write: Write, endpoint: string): Promise<string> {
  const access = { AWS_ACCESS_KEY_ID: 'local', AWS_SECRET_ACCESS_KEY: 'local', AWS_ENDPOINT_URL: endpoint }
  return inService(['node_modules'], write, (folder) => runServerless(folder, ['info'], access))
}

type Write = (folder: string) => Promise<void>

/** In a folder of links to the repository, so that nothing (`.esbuild`, `.serverless`) is written into it. */
async function inService<T>(links: readonly string[], write: Write, use: (folder: string) => Promise<T>): Promise<T> {
  const folder = await mkdtemp(join(tmpdir(), 'trunkline-deploy-'))
  try {
    for (const name of links) await symlink(join(repository, name), join(folder, name), 'junction')
    await write(folder)
    return await use(folder)
  } finally {
    await rm(folder, { recursive: true, force: true })
  }
}

/**
 * Runs osls in `folder` and returns what it prints. Throws it if osls fails. There is a deadline, because a bundle that
 * fails can make osls hang.
 */
async function runServerless(folder: string, args: readonly string[], env: NodeJS.ProcessEnv = {}): Promise<string> {
  const cli = join(repository, 'node_modules/serverless/bin/serverless.js')
  const options = { cwd: folder, env: { ...offline(folder), ...env }, timeout: 60_000 }
  try {
    return (await promisify(execFile)(process.execPath, [cli, ...args], options)).stdout
  } catch (cause) {
    const { stdout, stderr } = z.object({ stdout: z.string(), stderr: z.string() }).parse(cause)
    throw new Error(`serverless ${args[0]} failed:\n${stdout}${stderr}`, { cause })
  }
}

/** The resources of one type, by their logical ids. */
export function resourcesOf(template: Template, type: string): Map<string, Resource> {
  return new Map(Object.entries(template.Resources).filter(([, { Type }]) => Type === type))
}

const statement = z.object({
  Effect: z.literal('Allow'),
  Action: z.union([z.string(), z.array(z.string())]),
  Resource: z.unknown(),
})
const policy = z.object({ PolicyDocument: z.object({ Statement: z.array(statement) }) })
const attached = policy.extend({ Roles: z.array(z.object({ Ref: z.string() })) })

/** The statements of a role's policies, with those that it has only with a key of the account. */
export function statementsOf(template: Template, role: string): readonly z.infer<typeof statement>[] {
  const own = z.array(policy).parse(template.Resources[role]?.Properties['Policies'])
  const others = [...resourcesOf(template, 'AWS::IAM::Policy').values()]
    .map(({ Properties }) => attached.parse(Properties))
    .filter(({ Roles }) => Roles.some(({ Ref }) => Ref === role))
  return [...own, ...others].flatMap(({ PolicyDocument }) => PolicyDocument.Statement)
}

/** The environment of a pull request's check: the page too, no credentials, no home folder with any, no update check. */
function offline(folder: string): NodeJS.ProcessEnv {
  const { PATH, SYSTEMROOT, TEMP } = process.env
  return {
    PATH,
    SYSTEMROOT,
    TEMP,
    HOME: folder,
    CHAT_SITE: 'yes',
    AWS_EC2_METADATA_DISABLED: 'true',
    SLS_NOTIFICATIONS_MODE: 'off',
  }
}
