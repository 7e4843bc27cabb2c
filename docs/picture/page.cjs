// Makes docs/picture/page.png: the page in a browser beside the terminal that serves it, from a real run of the demo.
//
//   NODE_PATH=target/clients/browser/node_modules CHROMIUM=/usr/bin/chromium node docs/picture/page.cjs target/debug/sagewire
//
// `.ci/clients browser` prepares the packages and the browser.
const { spawn } = require("node:child_process");
const path = require("node:path");
const { chromium } = require("playwright-core");

const PORT = 4000;
const COMMAND = ["serve", "--demo", "--port", String(PORT)];

/** Starts the program and gives what it prints until it serves. */
async function serve(program) {
  const server = spawn(program, COMMAND, { stdio: ["ignore", "pipe", "inherit"] });
  let printed = "";
  server.stdout.on("data", (data) => (printed += data));
  const url = `http://127.0.0.1:${PORT}`;
  for (let tries = 0; tries < 100; tries += 1) {
    const answer = await fetch(`${url}/health/readiness`).catch(() => null);
    if (answer?.ok) return { server, url, printed: () => printed.trim() };
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  server.kill();
  throw new Error("the server does not start");
}

async function main() {
  const { server, url, printed } = await serve(process.argv[2]);
  const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox"] });
  try {
    const page = await browser.newPage({ viewport: { width: 1064, height: 784 }, colorScheme: "light" });
    await page.goto(`${url}/#playground`);
    await page.getByLabel("Max tokens").fill("40");
    await page.getByLabel("Message").fill("Tell me about llamas.");
    await page.getByRole("button", { name: "Send" }).click();
    await page.locator(".log[aria-busy=false]").waitFor();
    await page.evaluate(() => scrollTo(0, 0));
    const shot = (await page.screenshot()).toString("base64");

    const whole = await browser.newPage({ viewport: { width: 1240, height: 600 }, deviceScaleFactor: 1 });
    await whole.setContent(`<style>
      body { margin: 0; padding: 20px; display: grid; grid-template-columns: 420px 1fr; gap: 20px; background: #e8edf0; box-sizing: border-box; height: 600px; }
      pre { margin: 0; padding: 18px; background: #161b22; color: #e6e6e6; border-radius: 10px; font: 13px/1.5 "DejaVu Sans Mono", monospace; white-space: pre-wrap; overflow-wrap: anywhere; overflow: hidden; }
      img { width: 760px; height: 560px; border-radius: 10px; box-shadow: 0 1px 6px #0004; }
    </style><pre></pre><img alt="" src="data:image/png;base64,${shot}">`);
    const terminal = `$ sagewire ${COMMAND.join(" ")}\n${printed()}`;
    await whole.locator("pre").evaluate((node, text) => (node.textContent = text), terminal);
    await whole.screenshot({ path: path.join(__dirname, "page.png") });
  } finally {
    await browser.close();
    server.kill();
  }
}

main().catch((error) => {
  console.error(error);
  process.exit(1);
});
