/** What people react with most, first. */
const FIRST = "👍 ❤️ 😂 🎉 😮 🙏 👏 🔥";
const FACES = "😀 😄 😅 🙂 😉 😊 😍 🥰 😘 😎 🤩 🤔 🤨 😐 🙄 😬 😴 😢 😭 😤 😡 🤯 😱 🥳 🤗 🤝 👋 👎";
const SIGNS = "👌 ✌️ 🤞 💪 🙌 👀 🧡 💛 💚 💙 💜 💔 💯 ✨ ⭐ 🎊 🎁 🏆 ✅ ❌ ❗ ❓ ⏰ 📅 📌 📎";
const THINGS = "📷 🎬 🎥 🎤 🎧 🎭 🎨 💡 💼 💰 📞 📧 ✈️ 🚗 🏠 ☀️ 🌧️ ☕ 🍕 🍺 🍀 🚀 👑";

/** The small picker; the keyboard of every system has the others. */
export const COMMON: readonly string[] = [FIRST, FACES, SIGNS, THINGS].join(" ").split(" ");
