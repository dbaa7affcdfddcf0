/** The plugin for osls and the Serverless Framework: `plugins: ['@trunkline/serverless']`. */
export { type PluginSettings, TrunklinePlugin as default } from './plugin.ts'
