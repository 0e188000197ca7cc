// Chromium with an authenticator of its own:  node --input-type=module --eval "$(cat browser.mjs)"
// in a folder whose packages include playwright-core. Prints the origin of its page, then an answer of one line for each
// order of one line on standard input: {"create": options} or {"get": options}. It ends when standard input does.
import { createServer } from 'node:http';
import { createInterface } from 'node:readline';
import { chromium } from 'playwright-core';

const server = createServer((_, response) => response.setHeader('content-type', 'text/html').end('<title>a test</title>'));
await new Promise((listening) => server.listen(0, '127.0.0.1', listening));
const origin = `http://localhost:${server.address().port}`;

const browser = await chromium.launch({ executablePath: '/usr/bin/chromium', args: ['--no-sandbox'] });
const page = await browser.newPage();
const devtools = await page.context().newCDPSession(page);
await devtools.send('WebAuthn.enable');
await devtools.send('WebAuthn.addVirtualAuthenticator', {
  options: {
    protocol: 'ctap2',
    transport: 'internal',
    hasResidentKey: true,
    hasUserVerification: true,
    isUserVerified: true,
    automaticPresenceSimulation: true,
  },
});
await page.goto(origin);
console.log(origin);

async function carryOut(order) {
  try {
    if (order.create) {
      const publicKey = PublicKeyCredential.parseCreationOptionsFromJSON(order.create);
      return (await navigator.credentials.create({ publicKey })).toJSON();
    }
    const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(order.get);
    return (await navigator.credentials.get({ publicKey })).toJSON();
  } catch (error) {
    return { error: error.name };
  }
}

for await (const line of createInterface({ input: process.stdin })) {
  console.log(JSON.stringify(await page.evaluate(carryOut, JSON.parse(line))));
}
await browser.close();
server.close();
