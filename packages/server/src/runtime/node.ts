#!/usr/bin/env node
/** The server by itself on Node: `node packages/server/dist/runtime/node.js --model CHECKPOINT`. */
import { main } from './entry.ts';
import { listenNode } from './listen_node.ts';

await main(listenNode, 'node packages/server/dist/runtime/node.js');
