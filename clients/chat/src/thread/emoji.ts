/** What people react with most. */
export const QUICK = ["👍", "❤️", "😂", "🎉", "😮", "🙏"] as const;

/** The small picker: what people use, by what they say with it. */
export const COMMON = [
  ..."😀 😄 😅 😂 🙂 😉 😊 😍 🥰 😘 😎 🤩 🤔 🤨 😐 🙄 😬 😴 😢 😭 😤 😡 🤯 😱 🥳 🤗 🤝 👋".split(
    " ",
  ),
  ..."👍 👎 👌 ✌️ 🤞 💪 👏 🙌 🙏 👀 ❤️ 🧡 💛 💚 💙 💜 💔 💯 🔥 ✨ ⭐ 🎉 🎊 🎁 🏆 ✅ ❌ ❗".split(" "),
  ..."❓ ⏰ 📅 📌 📎 📷 🎬 🎥 🎤 🎧 🎭 🎨 💡 💼 💰 📞 📧 ✈️ 🚗 🏠 ☀️ 🌧️ ☕ 🍕 🍺 🍀 🚀 👑".split(" "),
] as const;
