//! A Vulkan driver for tests. It stands before the one that `KANODE_TEST_DRIVER` names and passes everything on, until
//! `KANODE_TEST_SUBMISSIONS` submissions or `KANODE_TEST_ALLOCATIONS` allocations are done: from then on it answers
//! `KANODE_TEST_RESULT` (−4: device lost; −2: no device memory) to all of that kind.
#![allow(non_snake_case, reason = "names that Vulkan's loader looks for")]
#![cfg(unix)]

use std::ffi::{CStr, CString, c_char, c_int, c_void};
use std::mem::transmute;
use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicUsize, Ordering::SeqCst};

type Function = Option<unsafe extern "system" fn()>;
type GetProc = unsafe extern "system" fn(*mut c_void, *const c_char) -> Function;

unsafe extern "C" {
    fn dlopen(path: *const c_char, flags: c_int) -> *mut c_void;
    fn dlsym(library: *mut c_void, name: *const c_char) -> *mut c_void;
}

static SUBMISSIONS: AtomicI64 = AtomicI64::new(0);
static ALLOCATIONS: AtomicI64 = AtomicI64::new(0);

fn number(variable: &str, otherwise: i64) -> i64 {
    std::env::var(variable).ok().and_then(|text| text.parse().ok()).unwrap_or(otherwise)
}

fn result() -> i32 {
    number("KANODE_TEST_RESULT", -4) as i32
}

/// Counts a call, and says whether it is beyond the number that a variable allows.
fn is_one_too_many(count: &AtomicI64, variable: &str) -> bool {
    count.fetch_add(1, SeqCst) >= number(variable, i64::MAX)
}

fn submissions_end() -> bool {
    SUBMISSIONS.load(SeqCst) > number("KANODE_TEST_SUBMISSIONS", i64::MAX)
}

/// Waits for what the driver behind is still doing: a device that is really lost touches nothing any more, but this one
/// would use what its user frees.
fn idle(queue: *mut c_void) -> bool {
    let function = WAIT_IDLE.load(SeqCst);
    if function != 0 {
        // SAFETY: the place holds the driver's vkQueueWaitIdle, and `queue` is one of its queues.
        unsafe { transmute::<usize, unsafe extern "system" fn(*mut c_void) -> i32>(function)(queue) };
    }
    true
}

/// A function of the driver behind this one.
fn behind(name: &CStr) -> *mut c_void {
    static LIBRARY: OnceLock<usize> = OnceLock::new();
    let library = *LIBRARY.get_or_init(|| {
        let path = CString::new(std::env::var("KANODE_TEST_DRIVER").unwrap_or_default()).unwrap_or_default();
        // SAFETY: `path` is a string that ends; 2 is RTLD_NOW.
        unsafe { dlopen(path.as_ptr(), 2) as usize }
    });
    // SAFETY: the library stays open; a name that it lacks gives null.
    unsafe { dlsym(library as *mut c_void, name.as_ptr()) }
}

#[unsafe(no_mangle)]
unsafe extern "system" fn vk_icdNegotiateLoaderICDInterfaceVersion(version: *mut u32) -> i32 {
    let function = behind(c"vk_icdNegotiateLoaderICDInterfaceVersion");
    // SAFETY: the driver behind has a function of this name and type.
    unsafe { transmute::<*mut c_void, unsafe extern "system" fn(*mut u32) -> i32>(function)(version) }
}

#[unsafe(no_mangle)]
unsafe extern "system" fn vk_icdGetPhysicalDeviceProcAddr(
    instance: *mut c_void,
    name: *const c_char,
) -> Function {
    let function = behind(c"vk_icdGetPhysicalDeviceProcAddr");
    // SAFETY: as above.
    unsafe { transmute::<*mut c_void, GetProc>(function)(instance, name) }
}

#[unsafe(no_mangle)]
unsafe extern "system" fn vk_icdGetInstanceProcAddr(instance: *mut c_void, name: *const c_char) -> Function {
    let function = behind(c"vk_icdGetInstanceProcAddr");
    // SAFETY: as above; `name` is a string of the loader.
    let (found, name) =
        unsafe { (transmute::<*mut c_void, GetProc>(function)(instance, name), CStr::from_ptr(name)) };
    if name == c"vkGetDeviceProcAddr" {
        store(&DEVICE_PROC, found);
        // SAFETY: a function is a function until it is called by its own type.
        return unsafe { transmute::<GetProc, Function>(device_proc) };
    }
    found
}

static DEVICE_PROC: AtomicUsize = AtomicUsize::new(0);

fn store(place: &AtomicUsize, function: Function) {
    place.store(function.map_or(0, |function| function as usize), SeqCst);
}

/// A function that is counted, or fails: a static with what it stands before, and its wrapper.
macro_rules! wrapped {
    ($wrapper:ident, $place:ident, ($($argument:ident: $type:ty),*), $fails:expr) => {
        static $place: AtomicUsize = AtomicUsize::new(0);
        unsafe extern "system" fn $wrapper($($argument: $type),*) -> i32 {
            if $fails {
                return result();
            }
            // SAFETY: the place holds the driver's function of this name, which has this type.
            unsafe {
                transmute::<usize, unsafe extern "system" fn($($type),*) -> i32>($place.load(SeqCst))($($argument),*)
            }
        }
    };
}

wrapped!(submit, SUBMIT, (queue: *mut c_void, count: u32, submits: *const c_void, fence: u64),
    is_one_too_many(&SUBMISSIONS, "KANODE_TEST_SUBMISSIONS") && idle(queue));
wrapped!(wait_idle, WAIT_IDLE, (queue: *mut c_void), submissions_end() && idle(queue));
wrapped!(wait_semaphores, WAIT, (device: *mut c_void, info: *const c_void, timeout: u64), submissions_end());
wrapped!(counter, COUNTER, (device: *mut c_void, semaphore: u64, value: *mut u64), submissions_end());
wrapped!(allocate, ALLOCATE, (device: *mut c_void, info: *const c_void, allocator: *const c_void, memory: *mut u64),
    is_one_too_many(&ALLOCATIONS, "KANODE_TEST_ALLOCATIONS"));

unsafe extern "system" fn device_proc(device: *mut c_void, name: *const c_char) -> Function {
    // SAFETY: the place holds the driver's vkGetDeviceProcAddr; `name` is a string of the loader.
    let (found, name) = unsafe {
        let get = transmute::<usize, GetProc>(DEVICE_PROC.load(SeqCst));
        (get(device, name), CStr::from_ptr(name))
    };
    found?;
    let (place, wrapper): (_, usize) = match name.to_bytes() {
        b"vkQueueSubmit" => (&SUBMIT, submit as *const () as usize),
        b"vkQueueWaitIdle" => (&WAIT_IDLE, wait_idle as *const () as usize),
        b"vkWaitSemaphores" | b"vkWaitSemaphoresKHR" => (&WAIT, wait_semaphores as *const () as usize),
        b"vkGetSemaphoreCounterValue" | b"vkGetSemaphoreCounterValueKHR" => {
            (&COUNTER, counter as *const () as usize)
        }
        b"vkAllocateMemory" => (&ALLOCATE, allocate as *const () as usize),
        _ => return found,
    };
    store(place, found);
    // SAFETY: the address is that of a function above.
    unsafe { transmute::<usize, Function>(wrapper) }
}
