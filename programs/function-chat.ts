#!/usr/bin/env node
import { functionChat } from './function-chat/main.ts'

process.exitCode = await functionChat(process.argv.slice(2))
